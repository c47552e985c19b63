"""Sends numbered datagrams to every other host at a steady pace and follows those of the others.

Arguments: own address, port, interval in ms, then the addresses of the others.
Prints `ready`, then a line of JSON twice a second: address -> last arrival. SIGINT ends it; the last line is
address -> what came from there. All times are of the monotonic clock, in ms; it is one clock for all hosts of a lab.

Losses are told by the numbers, and placed by the times of sending: a receiver that had to wait for a processor has
lost nothing.
"""
import json
import select
import signal
import socket
import struct
import sys
import time

PACKET = struct.Struct("!Qd")
REPORT_MS = 500
MAX_GAPS = 1000


def now_ms():
    return time.monotonic() * 1000


class Peer:
    def __init__(self):
        self.received = 0
        self.duplicates = 0
        self.late = 0
        self.first = None
        self.last = None
        self.last_arrival = None
        self.longest_silence = 0.0
        self.missing = {}
        self.gaps = []

    def take(self, number, sent_ms, arrived_ms):
        if self.last is None:
            self.first = self.last = (number, sent_ms)
        elif number > self.last[0]:
            if number > self.last[0] + 1:
                for lost in range(self.last[0] + 1, min(number, self.last[0] + 100000)):
                    self.missing[lost] = True
                if len(self.gaps) < MAX_GAPS:
                    self.gaps.append((self.last[1], sent_ms, number - self.last[0] - 1))
            self.last = (number, sent_ms)
        elif self.missing.pop(number, None):
            self.late += 1
        elif number >= self.first[0]:
            self.duplicates += 1
        if self.last_arrival is not None:
            self.longest_silence = max(self.longest_silence, arrived_ms - self.last_arrival)
        self.last_arrival = arrived_ms
        self.received += 1

    def report(self):
        return {
            "received": self.received,
            "duplicates": self.duplicates,
            "late": self.late,
            "lost": len(self.missing),
            "lastSentMs": self.last[1] if self.last else None,
            "lastArrivalMs": self.last_arrival,
            "longestSilenceMs": self.longest_silence,
            "gaps": self.gaps,
        }


def main():
    own, port, interval_ms = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    peers = {address: Peer() for address in sys.argv[4:]}
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind((own, port))
    sock.setblocking(False)
    running = [True]
    signal.signal(signal.SIGINT, lambda *_: running.clear())
    print("ready", flush=True)
    number = 0
    next_tick = next_report = now_ms()
    while running:
        now = now_ms()
        if now >= next_tick:
            packet = PACKET.pack(number, now)
            number += 1
            for address in peers:
                try:
                    sock.sendto(packet, (address, port))
                except OSError:
                    pass
            next_tick = max(next_tick + interval_ms, now)
        if now >= next_report:
            print(json.dumps({a: p.last_arrival for a, p in peers.items()}), flush=True)
            next_report = now + REPORT_MS
        select.select([sock], [], [], max(0.0, (next_tick - now_ms()) / 1000))
        arrived = now_ms()
        while True:
            try:
                data, (address, _) = sock.recvfrom(64)
            except OSError:
                break
            if address in peers and len(data) == PACKET.size:
                peers[address].take(*PACKET.unpack(data), arrived)
    print("end " + json.dumps({a: p.report() for a, p in peers.items()}), flush=True)


main()
