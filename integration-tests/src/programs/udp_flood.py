"""Sends garbage to one UDP port as fast as it is told to, from forged addresses where it is told to.

Argument: JSON with `to` (address and port), `perSecond`, `bytes`, and perhaps `index` (the first four bytes, in hexadecimal) and `sources` (a list of
addresses and ports that it pretends to be; needs CAP_NET_RAW). Prints `ready`; SIGINT ends it, and prints how many it sent.
"""
import json
import random
import signal
import socket
import struct
import sys
import time

OPTIONS = json.loads(sys.argv[1])
TO = tuple(OPTIONS["to"])
BURST = 32
running = True


def stop(*_):
    global running
    running = False


def datagram():
    index = bytes.fromhex(OPTIONS["index"]) if "index" in OPTIONS else random.randbytes(4)
    return index + random.randbytes(OPTIONS["bytes"] - 4)


def packet(source, data):
    """IPv4 and UDP headers by hand; the kernel fills in lengths and the checksum of IPv4, UDP has none."""
    udp = struct.pack("!HHHH", source[1], TO[1], 8 + len(data), 0) + data
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton(source[0]), socket.inet_aton(TO[0])) + udp


def main():
    signal.signal(signal.SIGINT, stop)
    sources = OPTIONS.get("sources")
    if sources:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        ready = [(packet(sources[i % len(sources)], datagram()), (TO[0], 0)) for i in range(256)]
    else:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        ready = [(datagram(), TO) for _ in range(256)]
    print("ready", flush=True)
    sent = 0
    start = time.monotonic()
    while running:
        for _ in range(BURST):
            sock.sendto(*ready[sent % len(ready)])
            sent += 1
        ahead = sent / OPTIONS["perSecond"] - (time.monotonic() - start)
        if ahead > 0:
            time.sleep(ahead)
    print(f"sent {sent}", flush=True)


main()
