# Accepts TCP connections and echoes UDP datagrams on every address of its host, on each port given as argument.
# Prints a line when it is ready.
import selectors, socket, sys

ready = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for family, address in ((socket.AF_INET, '0.0.0.0'), (socket.AF_INET6, '::')):
            one = socket.socket(family, kind)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                # the answer leaves from the address that was asked
                if kind == socket.SOCK_DGRAM:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            elif kind == socket.SOCK_DGRAM:
                one.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
            one.bind((address, port))
            if kind == socket.SOCK_STREAM:
                one.listen(64)
            ready.register(one, selectors.EVENT_READ, kind)
print('ready', flush=True)
while True:
    for key, _ in ready.select():
        if key.data == socket.SOCK_STREAM:
            key.fileobj.accept()[0].close()
            continue
        data, asked, _, sender = key.fileobj.recvmsg(64, 256)
        key.fileobj.sendmsg([data], asked, 0, sender)
