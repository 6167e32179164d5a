# Sends frames from the container's eth0, like its root with a raw socket, and prints which of them left the
# bridge: forge.py <mac> <address> <gateway> <address6> <gateway6> <bridge> <pid of init>.
# The last frame is honest, a question to a name server: when it arrives, no earlier frame is in flight.
import ctypes, json, os, socket, struct, sys

mac_text, address, gateway, address6, gateway6, bridge, pid = sys.argv[1:8]
own_mac = bytes.fromhex(mac_text.replace(':', ''))
other_mac = bytes.fromhex('02deadbeef99')
own, router = socket.inet_aton(address), socket.inet_aton(gateway)
foreign = own[:3] + b'\x63'
own6, router6 = (socket.inet_pton(socket.AF_INET6, text) for text in (address6, gateway6))
BROADCAST = b'\xff' * 6


def ether(source, kind, body, destination=BROADCAST):
    return destination + source + struct.pack('!H', kind) + body


def arp(operation, hardware, sender, target):
    return struct.pack('!HHBBH', 1, 0x800, 6, 4, operation) + hardware + sender + BROADCAST + target


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(source, protocol, body, target=router, fragment=0, options=b''):
    words = 5 + len(options) // 4
    head = struct.pack('!BBHHHBBH4s4s', 0x40 + words, 0, 4 * words + len(body), 0, fragment, 64, protocol, 0,
                       source, target) + options
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + body


def tcp(source, target, flags):
    return struct.pack('!HHIIBBHHH', source, target, 1, 1, 0x50, flags, 1024, 0, 0)


def icmp(kind, code, rest):
    body = struct.pack('!BBH', kind, code, 0) + rest
    return body[:2] + struct.pack('!H', checksum(body)) + body[4:]


def quoted(source, target):
    """A packet as an ICMP error quotes it."""
    return b'\0' * 4 + ipv4(source, 6, b'\0\x19\0\x19' + b'\0' * 4, target)


def udp(port, body, target=9):
    return struct.pack('!HHHH', port, target, 8 + len(body), 0) + body


ALL_NODES = socket.inet_pton(socket.AF_INET6, 'ff02::1')


def ipv6(source, protocol, body, target=ALL_NODES):
    return struct.pack('!IHBB', 6 << 28, len(body), protocol, 255) + source + target + body


def icmpv6(source, kind, rest, extension=b''):
    body = struct.pack('!BBH', kind, 0, 0) + rest
    pseudo = source + ALL_NODES + struct.pack('!II', len(body), 58)
    body = body[:2] + struct.pack('!H', checksum(pseudo + body)) + body[4:]
    return ipv6(source, HOP_BY_HOP if extension else 58, extension + body)


HOP_BY_HOP, ROUTING, FRAGMENT = 0, 43, 44
ROUTER_ALERT = b'\x3a\0\x05\x02\0\0\x01\0'
FIN, SYN, RST, ACK = 1, 2, 4, 16


def quoted6(source, target):
    return b'\0' * 4 + ipv6(source, 6, b'\0\x19\0\x19' + b'\0' * 4, target)


def neighbour(target):
    return b'\x20\0\0\0' + target


LINK = socket.inet_pton(socket.AF_INET6, 'fe80::99')
own_link = LINK[:8] + bytes([own_mac[0] ^ 2]) + own_mac[1:3] + b'\xff\xfe' + own_mac[3:]
FRAMES = {
    'ARP reply for the gateway': ether(own_mac, 0x806, arp(2, own_mac, router, own)),
    'ARP reply for another address': ether(own_mac, 0x806, arp(2, own_mac, foreign, router)),
    'ARP with another hardware address inside': ether(own_mac, 0x806, arp(2, other_mac, own, router)),
    'ARP probe without an address': ether(own_mac, 0x806, arp(1, own_mac, b'\0' * 4, foreign)),
    'another hardware address': ether(other_mac, 0x800, ipv4(own, 17, udp(9, b'x'))),
    'another IPv4 address': ether(own_mac, 0x800, ipv4(foreign, 17, udp(9, b'x'))),
    'answer of a DHCP server': ether(own_mac, 0x800, ipv4(own, 17, udp(67, b'x'))),
    'ICMP redirect': ether(own_mac, 0x800, ipv4(own, 1, b'\x05\x01\0\0' + foreign + b'\0' * 28)),
    'router advertisement': ether(own_mac, 0x86dd, icmpv6(own6, 134, b'\0' * 12)),
    'ICMPv6 redirect': ether(own_mac, 0x86dd, icmpv6(own6, 137, neighbour(router6) + b'\0' * 16)),
    'another IPv6 address': ether(own_mac, 0x86dd, icmpv6(LINK, 128, b'\0' * 4)),
    'neighbour advertisement for the gateway': ether(own_mac, 0x86dd, icmpv6(own6, 136, neighbour(router6))),
    'address detection for the gateway': ether(own_mac, 0x86dd, icmpv6(b'\0' * 16, 135, neighbour(router6))),
    'TCP segment that opens a connection from port 25': ether(own_mac, 0x800, ipv4(own, 6, tcp(25, 22, SYN))),
    'FIN scan from port 25': ether(own_mac, 0x800, ipv4(own, 6, tcp(25, 22, FIN))),
    'NULL scan from port 25': ether(own_mac, 0x800, ipv4(own, 6, tcp(25, 22, 0))),
    'ACK from another port': ether(own_mac, 0x800, ipv4(own, 6, tcp(26, 22, ACK))),
    'ping': ether(own_mac, 0x800, ipv4(own, 1, icmp(8, 0, b'\0' * 4))),
    'ping over IPv6': ether(own_mac, 0x86dd, icmpv6(own6, 128, b'\0' * 4)),
    'ICMP error about packets of others': ether(own_mac, 0x800, ipv4(own, 1, icmp(3, 4, quoted(router, foreign)))),
    'packet too big about packets of others': ether(own_mac, 0x86dd, icmpv6(own6, 2, quoted6(router6, LINK))),
    'later fragment': ether(own_mac, 0x800, ipv4(own, 6, tcp(25, 22, ACK), fragment=3)),
    'fragment over IPv6': ether(own_mac, 0x86dd, ipv6(own6, FRAGMENT, b'\x06\0\0\x01\0\0\0\1' + tcp(25, 22, ACK))),
    'source route': ether(own_mac, 0x800, ipv4(own, 6, tcp(25, 22, ACK), options=b'\x83\x07\x04' + foreign + b'\0')),
    'routing header': ether(own_mac, 0x86dd, ipv6(own6, ROUTING, b'\x06\x02\x04\0' + b'\0' * 20 + tcp(25, 22, ACK))),
    'tunnel': ether(own_mac, 0x800, ipv4(own, 4, ipv4(foreign, 17, udp(9, b'x')))),
    'question to a resolver of the LAN': ether(own_mac, 0x800, ipv4(own, 17, udp(9, b'x', 53))),
    'TCP over a link-local address': ether(own_mac, 0x86dd, ipv6(own_link, 6, tcp(9, 22, SYN))),
    'honest: ACK from port 25': ether(own_mac, 0x800, ipv4(own, 6, tcp(25, 22, ACK))),
    'honest: ACK from port 25 over IPv6': ether(own_mac, 0x86dd, ipv6(own6, 6, tcp(25, 22, ACK))),
    'honest: refused connection': ether(own_mac, 0x800, ipv4(own, 6, tcp(26, 22, RST | ACK))),
    'honest: answer to a ping': ether(own_mac, 0x800, ipv4(own, 1, icmp(0, 0, b'\0' * 4))),
    'honest: answer to a ping over IPv6': ether(own_mac, 0x86dd, icmpv6(own6, 129, b'\0' * 4)),
    'honest: ICMP error about its own packets': ether(own_mac, 0x800, ipv4(own, 1, icmp(3, 4, quoted(router, own)))),
    'honest: packet too big': ether(own_mac, 0x86dd, icmpv6(own6, 2, quoted6(router6, own6))),
    'honest: multicast listener report': ether(own_mac, 0x86dd, icmpv6(own_link, 143, b'\0' * 4, ROUTER_ALERT)),
    'honest: neighbour advertisement': ether(own_mac, 0x86dd, icmpv6(own6, 136, neighbour(own6))),
    'honest: ARP request': ether(own_mac, 0x806, arp(1, own_mac, own, router)),
    'VLAN tag': ether(own_mac, 0x8100, struct.pack('!HH', 5, 0x800) + ipv4(own, 17, udp(9, b'x'))),
    'spanning tree': ether(own_mac, 39, b'\x42\x42\x03' + b'\0' * 36, bytes.fromhex('0180c2000000')),
}
NAME_SERVER = socket.inet_aton('198.51.100.53')
HONEST = ether(own_mac, 0x800, ipv4(own, 17, udp(9, b'honest', 53), NAME_SERVER))

ETH_P_ALL = 3
listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
listener.bind((bridge, 0))
listener.settimeout(20)
libc = ctypes.CDLL(None, use_errno=True)
home = os.open('/proc/self/ns/net', os.O_RDONLY)
assert libc.setns(os.open('/proc/%s/ns/net' % pid, os.O_RDONLY), 0) == 0
sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
sender.bind(('eth0', 0))
assert libc.setns(home, 0) == 0
# A single queue keeps the frames in order
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
for frame in [*FRAMES.values(), HONEST]:
    sender.send(frame)
seen = []
while True:
    frame = listener.recv(2048)
    # The kernel passes the VLAN tag as auxiliary data
    seen += [name for name, forged in FRAMES.items()
             if frame.startswith((forged, forged[:12] + forged[16:] if name == 'VLAN tag' else forged))]
    if frame[:len(HONEST)] == HONEST:
        break
json.dump(sorted(set(seen)), sys.stdout)
