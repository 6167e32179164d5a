# Sends frames from the container's eth0, like its root with a raw socket, and prints which of them left the
# bridge: forge.py <mac> <address> <gateway> <address6> <gateway6> <bridge> <pid of init>.
# The last frame is honest: when it arrives, no earlier frame is in flight.
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


def ipv4(source, protocol, body):
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0, source, router)
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + body


def udp(port, body):
    return struct.pack('!HHHH', port, 9, 8 + len(body), 0) + body


ALL_NODES = socket.inet_pton(socket.AF_INET6, 'ff02::1')


def icmpv6(source, kind, rest):
    body = struct.pack('!BBH', kind, 0, 0) + rest
    pseudo = source + ALL_NODES + struct.pack('!II', len(body), 58)
    body = body[:2] + struct.pack('!H', checksum(pseudo + body)) + body[4:]
    return struct.pack('!IHBB', 6 << 28, len(body), 58, 255) + source + ALL_NODES + body


def neighbour(target):
    return b'\x20\0\0\0' + target


LINK = socket.inet_pton(socket.AF_INET6, 'fe80::99')
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
    'honest: echo request': ether(own_mac, 0x86dd, icmpv6(own6, 128, b'\0' * 4)),
    'honest: neighbour advertisement': ether(own_mac, 0x86dd, icmpv6(own6, 136, neighbour(own6))),
    'honest: ARP request': ether(own_mac, 0x806, arp(1, own_mac, own, router)),
    'VLAN tag': ether(own_mac, 0x8100, struct.pack('!HH', 5, 0x800) + ipv4(own, 17, udp(9, b'x'))),
    'spanning tree': ether(own_mac, 39, b'\x42\x42\x03' + b'\0' * 36, bytes.fromhex('0180c2000000')),
}
HONEST = ether(own_mac, 0x800, ipv4(own, 17, udp(9, b'honest')))

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
