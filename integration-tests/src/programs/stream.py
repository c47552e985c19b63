"""A stream of numbered datagrams to a multicast group.

Arguments: interface, group, port, count, interval in ms.
"""
import socket
import sys
import time

interface, group, port, count, interval_ms = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
index = socket.if_nametoindex(interface)
if ":" in group:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 4)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
    target = (group, port, 0, index)
else:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # struct ip_mreqn: group, address, index.
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + index.to_bytes(4, sys.byteorder))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    target = (group, port)
start = time.monotonic()
for number in range(count):
    sock.sendto(b"%d\n" % number, target)
    ahead = (number + 1) * interval_ms / 1000 - (time.monotonic() - start)
    if ahead > 0:
        time.sleep(ahead)
