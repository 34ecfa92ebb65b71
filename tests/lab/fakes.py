#!/usr/bin/env python3
"""Stand-ins for what has no real counterpart outside Azure: IMDS, WireServer, and a UDP port that takes what comes.

    fakes.py imds ADDRESS | imds-without-identity ADDRESS | imds-with-public-address ADDRESS | wireserver ADDRESS | udp ADDRESS PORT"""
import http.server
import json
import socket
import socketserver
import sys
import threading

INSTANCE = {
    "compute": {"azEnvironment": "AzurePublicCloud", "location": "eastus2", "name": "lab-ci", "osType": "Linux",
                "offer": "0001-com-ubuntu-server-jammy", "publisher": "canonical", "sku": "22_04-lts-gen2", "version": "",
                "resourceGroupName": "lab-rg", "subscriptionId": "00000000-0000-0000-0000-000000000000",
                "vmId": "00000000-0000-0000-0000-000000000001", "vmScaleSetName": "", "vmSize": "Standard_DS3_v2", "zone": ""},
    "network": {"interface": [{"ipv4": {"ipAddress": [{"privateIpAddress": "10.0.0.4", "publicIpAddress": ""}],
                                        "subnet": [{"address": "10.0.0.0", "prefix": "24"}]},
                               "ipv6": {"ipAddress": []}, "macAddress": "0011AAFFBB22"}]}}
VERSIONS = '<?xml version="1.0" encoding="utf-8"?><Versions><Preferred><Version>2015-04-05</Version></Preferred><Supported><Version>2012-11-30</Version></Supported></Versions>'


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class Imds(Answering):
    server_version, sys_version = "IMDS/150.870.65.1854", ""

    public_address = ""
    identity = 200, '{"tenantId":"22222222-2222-2222-2222-222222222222"}'

    def do_GET(self):
        if self.headers.get("Metadata") != "true" or "X-Forwarded-For" in self.headers:
            return self.reply(400, "application/json; charset=utf-8", '{"error":"Bad request. Required metadata header not specified"}')
        if self.path.startswith("/metadata/identity/info?api-version="):
            return self.reply(self.identity[0], "application/json; charset=utf-8", self.identity[1])
        if not self.path.startswith("/metadata/instance?api-version="):
            return self.reply(404, "application/json; charset=utf-8", '{"error":"Not found"}')
        instance = json.loads(json.dumps(INSTANCE))
        instance["network"]["interface"][0]["ipv4"]["ipAddress"][0]["publicIpAddress"] = self.public_address
        return self.reply(200, "application/json; charset=utf-8", json.dumps(instance))


class ImdsWithPublicAddress(Imds):
    public_address = "20.70.0.4"


class ImdsWithoutIdentity(Imds):
    identity = 400, '{"error":"invalid_request","error_description":"Identity not found"}'


class Wireserver(Answering):
    def do_GET(self):
        if self.path == "/versions":
            return self.reply(200, "application/json; charset=utf-8", '["2015-09-01"]')
        return self.reply(200, "text/xml; charset=utf-8", VERSIONS)


def main():
    kind, address = sys.argv[1:3]
    if kind == "udp":
        taker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        taker.bind((address, int(sys.argv[3])))
        while True:
            taker.recv(2048)
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    ports, handler = {"imds": ([80], Imds), "imds-without-identity": ([80], ImdsWithoutIdentity),
                      "imds-with-public-address": ([80], ImdsWithPublicAddress), "wireserver": ([80, 32526], Wireserver)}[kind]
    threads = []
    for port in ports:
        server = http.server.ThreadingHTTPServer((address, port), handler)
        threads.append(threading.Thread(target=server.serve_forever))
        threads[-1].start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
