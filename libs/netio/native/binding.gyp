{
  "targets": [
    {
      "target_name": "netio",
      "sources": [
        "aead.cc",
        "arguments.cc",
        "cipher.cc",
        "datagram.cc",
        "netio.cc",
        "poll.cc",
        "tap.cc",
        "tcp.cc",
        "udp.cc",
        "unix.cc"
      ],
      "defines": ["NAPI_VERSION=9", "_GNU_SOURCE"],
      "cflags": ["-O3", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-fstack-protector-strong"],
      "cflags_cc": ["-std=c++20", "-fno-rtti", "-fno-exceptions"],
      "ldflags": ["-Wl,-z,relro,-z,now"]
    }
  ]
}
