"""Carries UDP between two hosts, and does what bad networks and bad people do to it.

Argument: JSON with `listen` (address and port), `near` and `far` (the two ends), and chances out of 1: `lose`, `delay` (of a
random time up to `delayMs`, which reorders), `duplicate`, `replay` (an old datagram again), `forge` (one with a flipped bit, beside the true
one), `invent` (noise of the same length under the same index). Prints `ready`; SIGINT ends it, and prints what was done as JSON.
"""
import heapq
import json
import random
import select
import signal
import socket
import sys
import time

OPTIONS = json.loads(sys.argv[1])
NEAR, FAR = tuple(OPTIONS["near"]), tuple(OPTIONS["far"])
KEPT = 4096
done = {name: 0 for name in ("carried", "lose", "delay", "duplicate", "replay", "forge", "invent")}
kept = []
waiting = []
order = 0
running = True


def stop(*_):
    global running
    running = False


def happens(name):
    if random.random() >= OPTIONS.get(name, 0):
        return False
    done[name] += 1
    return True


def flipped(data):
    changed = bytearray(data)
    # Not the index: that one would reach nobody.
    at = random.randrange(min(4, len(changed) - 1), len(changed))
    changed[at] ^= 1 << random.randrange(8)
    return bytes(changed)


def carry(sock, data, to):
    global order
    if happens("lose"):
        return
    if len(kept) < KEPT:
        kept.append((data, to))
    elif random.random() < 0.01:
        kept[random.randrange(KEPT)] = (data, to)
    if happens("forge"):
        sock.sendto(flipped(data), to)
    if happens("invent"):
        sock.sendto(data[:4] + random.randbytes(len(data) - 4), to)
    if happens("replay"):
        sock.sendto(*random.choice(kept))
    if happens("delay"):
        order += 1
        heapq.heappush(waiting, (time.monotonic() + random.random() * OPTIONS["delayMs"] / 1000, order, data, to))
        return
    done["carried"] += 1
    sock.sendto(data, to)
    if happens("duplicate"):
        sock.sendto(data, to)


def main():
    signal.signal(signal.SIGINT, stop)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(tuple(OPTIONS["listen"]))
    sock.setblocking(False)
    print("ready", flush=True)
    while running:
        left = max(0, waiting[0][0] - time.monotonic()) if waiting else 0.2
        if select.select([sock], [], [], left)[0]:
            for _ in range(64):
                try:
                    data, source = sock.recvfrom(65535)
                except OSError:
                    break
                carry(sock, data, NEAR if source == FAR else FAR)
        while waiting and waiting[0][0] <= time.monotonic():
            sock.sendto(*heapq.heappop(waiting)[2:])
            done["carried"] += 1
    print("done " + json.dumps(done), flush=True)


main()
