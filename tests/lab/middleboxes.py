#!/usr/bin/env python3
"""What stands between a node and a service, and servers that misbehave, where no real program does it on demand.

    middleboxes.py sni-filter ADDRESS PORT reset|close|drop NAME|*   a firewall that reads server names; the rest it passes on
    middleboxes.py delay DEVICE MILLISECONDS PERCENT                 packets routed into DEVICE come back late, or never
    middleboxes.py websocket ADDRESS PORT CERTIFICATE|- KEY|- bad-accept|close-early|deny|silent|pong|pong-then-end
    middleboxes.py http ADDRESS PORT CERTIFICATE KEY silent|reset|garbage|huge|silent-once|reset-once
    middleboxes.py half-open ADDRESS PORT DOOR                       connections that never complete; then listens at 127.0.0.1:DOOR
    middleboxes.py hold ADDRESS PORT COUNT DOOR [BASE]               so many connections that stay; then listens at 127.0.0.1:DOOR
    middleboxes.py flaky-proxy ADDRESS PORT NAME                     a proxy that answers the first CONNECT to NAME with 502
    middleboxes.py mute ADDRESS PORT                                 takes connections and never says a word"""
import asyncio
import base64
import fcntl
import hashlib
import heapq
import os
import select
import socket
import ssl
import struct
import sys
import time

SO_ORIGINAL_DST = 80
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def server_name(hello):
    """Of a ClientHello record; None while it is not whole, "" without the extension."""
    if len(hello) < 5:
        return None
    length = struct.unpack(">H", hello[3:5])[0]
    if hello[0] != 22 or len(hello) < 5 + length:
        return None if hello[0] == 22 else ""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + struct.unpack(">H", hello[at:at + 2])[0]
    at += 1 + hello[at]
    end = at + 2 + struct.unpack(">H", hello[at:at + 2])[0]
    at += 2
    while at + 4 <= end:
        kind, size = struct.unpack(">HH", hello[at:at + 4])
        if kind == 0:
            return hello[at + 9:at + 4 + size].decode("ascii", "replace")
        at += 4 + size
    return ""


def end_with_reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def sni_filter(address, port, how, names):
    async def serve(reader, writer):
        hello = b""
        while (name := server_name(hello)) is None:
            more = await reader.read(4096)
            if not more:
                return writer.close()
            hello += more
        if name == "" or names == "*" or name in names.split(","):
            if how == "drop":
                return await asyncio.sleep(3600)
            return end_with_reset(writer) if how == "reset" else writer.close()
        raw = writer.get_extra_info("socket").getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        onward = socket.inet_ntoa(raw[4:8]), struct.unpack(">H", raw[2:4])[0]
        try:
            reader_out, writer_out = await asyncio.open_connection(*onward)
        except OSError:
            return end_with_reset(writer)
        writer_out.write(hello)
        await asyncio.gather(pump(reader, writer_out), pump(reader_out, writer))
        writer_out.close()
        writer.close()

    server = await asyncio.start_server(serve, address, int(port))
    await server.serve_forever()


def delay(device, milliseconds, percent):
    """A path of a given length. Every hundredth packet counts, in turn: the same loss in every run."""
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH", device.encode(), 0x1001))
    os.set_blocking(tun, False)
    wait, lost, number, queue = int(milliseconds) / 1000, int(percent), 0, []
    while True:
        timeout = max(0, queue[0][0] - time.monotonic()) if queue else None
        if select.select([tun], [], [], timeout)[0]:
            packet = os.read(tun, 65536)
            number += 1
            if number * lost % 100 >= lost or lost == 0:
                heapq.heappush(queue, (time.monotonic() + wait, number, packet))
        while queue and queue[0][0] <= time.monotonic():
            os.write(tun, heapq.heappop(queue)[2])


def tls_context(certificate, key):
    if certificate == "-":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def websocket(address, port, certificate, key, how):
    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        sent = next((line.split(b":", 1)[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")), b"")
        if how == "silent" and sent:
            return await asyncio.sleep(3600)
        if how == "deny" or not sent:
            status = b"403 Forbidden" if sent else b"200 OK"
            sign = b"Via: 1.1 proxy.contoso.com (squid)\r\nServer: squid/5.7\r\n" if sent else b""
            writer.write(b"HTTP/1.1 " + status + b"\r\n" + sign + b"Content-Length: 0\r\n\r\n")
        else:
            right = base64.b64encode(hashlib.sha1(sent + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            accept = base64.b64encode(b"0" * 20) if how == "bad-accept" else right
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        await writer.drain()
        if how.startswith("pong") and sent:
            await answer_pings(reader, writer, how)
        writer.close()

    server = await asyncio.start_server(serve, address, int(port), ssl=tls_context(certificate, key))
    await server.serve_forever()


async def answer_pings(reader, writer, how):
    """Of short frames only, which is what a ping is; `pong-then-end` closes a connection that is quiet for a second."""
    try:
        while True:
            head = await asyncio.wait_for(reader.readexactly(6), 1 if how == "pong-then-end" else None)
            payload = await reader.readexactly(head[1] & 0x7F)
            plain = bytes(byte ^ head[2 + i % 4] for i, byte in enumerate(payload))
            writer.write(bytes([0x8A if head[0] == 0x89 else 0x88, len(plain)]) + plain)
            await writer.drain()
    except (OSError, EOFError, asyncio.TimeoutError):
        pass


async def http(address, port, certificate, key, manner):
    seen = 0

    async def serve(reader, writer):
        nonlocal seen
        await reader.readuntil(b"\r\n\r\n")
        seen += 1
        how = "fine" if seen > 1 and manner.endswith("-once") else manner.removesuffix("-once")
        if how == "fine":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        if how == "silent":
            return await asyncio.sleep(3600)
        if how == "reset":
            return end_with_reset(writer)
        if how in ("garbage", "huge"):
            writer.write(b"220 mail.contoso.com ESMTP ready\r\n" if how == "garbage" else b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 300000 + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, address, int(port), ssl=tls_context(certificate, key))
    await server.serve_forever()


def hold(address, port, count, door, base=20000):
    """From the ports BASE and above."""
    clients = []
    while len(clients) < int(count):
        clients.append(socket.socket())
        clients[-1].bind(("", int(base) + len(clients) - 1))
        clients[-1].connect((address, int(port)))
    listener = socket.create_server(("127.0.0.1", int(door)))
    while True:
        listener.accept()[0].close()


async def flaky_proxy(address, port, name):
    refused = set()

    async def serve(reader, writer):
        host, _, door = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode().rpartition(":")
        if host == name and host not in refused:
            refused.add(host)
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return writer.close()
        reader_out, writer_out = await asyncio.open_connection(host, int(door))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pump(reader, writer_out), pump(reader_out, writer))
        writer_out.close()
        writer.close()

    server = await asyncio.start_server(serve, address, int(port))
    await server.serve_forever()


async def mute(address, port):
    async def serve(reader, _):
        await reader.read()

    server = await asyncio.start_server(serve, address, int(port))
    await server.serve_forever()


def half_open(address, port, door):
    """The first packets have left when the door opens."""
    clients = [socket.socket() for _ in range(3)]
    for client in clients:
        client.setblocking(False)
        client.connect_ex((address, int(port)))
    listener = socket.create_server(("127.0.0.1", int(door)))
    while True:
        listener.accept()[0].close()


def main():
    kind, *words = sys.argv[1:]
    alone = {"delay": delay, "half-open": half_open, "hold": hold}
    if kind in alone:
        return alone[kind](*words)
    return asyncio.run({"sni-filter": sni_filter, "websocket": websocket, "http": http, "mute": mute, "flaky-proxy": flaky_proxy}[kind](*words))


if __name__ == "__main__":
    main()
