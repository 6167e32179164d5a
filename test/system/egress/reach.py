# Connects to each target of the JSON list in argv, [protocol, address, port], and prints those that it reaches.
# A refused connection counts: the packets passed in both directions.
import errno, json, select, socket, sys, time

REACHED = (0, errno.ECONNREFUSED)
open_ones, reached = {}, []
for target in json.loads(sys.argv[1]):
    protocol, address, port = target
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM if protocol == 'tcp' else socket.SOCK_DGRAM)
    one.setblocking(False)
    code = one.connect_ex((address, port))
    if code not in (0, errno.EINPROGRESS):
        reached += [target] if code in REACHED else []
        continue
    if protocol == 'udp':
        one.send(b'x')
    open_ones[one] = target
end = time.monotonic() + 2.5
while open_ones and time.monotonic() < end:
    tcp = [one for one, (protocol, *_) in open_ones.items() if protocol == 'tcp']
    udp = [one for one in open_ones if one not in tcp]
    read, written, _ = select.select(udp, tcp, [], max(0, end - time.monotonic()))
    for one in read + written:
        target = open_ones.pop(one)
        if one in tcp:
            code = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        else:
            try:
                code = 0 if one.recv(8) else None
            except OSError as error:
                code = error.errno
        reached += [target] if code in REACHED else []
json.dump(reached, sys.stdout)
