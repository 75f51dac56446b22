"""Answers each request on port 9000 with what the engine says of itself through the mounted socket."""

import http.client
import http.server
import json
import os
import socket


class Engine(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            engine = Engine("engine")
            engine.request("GET", "/services")
            names = [service["Spec"]["Name"] for service in json.load(engine.getresponse())]
            status, body = 200 if os.access("/data", os.W_OK) else 500, {"services": sorted(names)}
        except OSError as error:
            status, body = 500, {"error": str(error)}
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)


http.server.ThreadingHTTPServer(("", 9000), Answer).serve_forever()
