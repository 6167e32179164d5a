# verb
rm -rf /tmp/m1/b10/out /tmp/m1/b10/out.db
python3 - "$@" <<'P'
import os,sys,time,resource
args=sys.argv[1:]
t=time.time(); pid=os.spawnvp(os.P_NOWAIT,args[0],args); _,st,ru=os.wait4(pid,0)
print('status',st,'wall %.2f user %.2f sys %.2f rss %d MB'%(time.time()-t,ru.ru_utime,ru.ru_stime,ru.ru_maxrss/1000))
P
