"""GStreamer's RTSP server on a free port of 127.0.0.1, with one stream, /x. Prints "port N" when it listens; ends when it is killed.

--launch PIPELINE    what is served, with payloaders pay0, pay1 ...; with --record what takes it, with depayloaders depay0, depay1 ...
--record             the stream is published (ANNOUNCE, RECORD) and not played; prints "ended" when the publisher is gone
--transports LIST    tcp, udp or tcp,udp (the default)
--user NAME:PASSWORD --auth basic|digest
"""
import argparse

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
gi.require_version("GstRtsp", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

arguments = argparse.ArgumentParser()
arguments.add_argument("--launch", required=True)
arguments.add_argument("--record", action="store_true")
arguments.add_argument("--transports", default="tcp,udp")
arguments.add_argument("--user")
arguments.add_argument("--auth", default="digest")
options = arguments.parse_args()

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")


def when_configured(_, media):
    media.connect("unprepared", lambda _: print("ended", flush=True))


transports = {"tcp": GstRtsp.RTSPLowerTrans.TCP, "udp": GstRtsp.RTSPLowerTrans.UDP}
lower = GstRtsp.RTSPLowerTrans(0)
for name in options.transports.split(","):
    lower |= transports[name]

factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(options.launch)
factory.set_protocols(lower)
factory.set_latency(50)
if options.record:
    factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
    factory.connect("media-configure", when_configured)

if options.user:
    user, password = options.user.split(":")
    auth = GstRtspServer.RTSPAuth()
    method = GstRtsp.RTSPAuthMethod.BASIC if options.auth == "basic" else GstRtsp.RTSPAuthMethod.DIGEST
    auth.set_supported_methods(method)
    role = GstRtspServer.RTSPToken()
    role.set_string("media.factory.role", "user")
    if options.auth == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), role)
    else:
        auth.add_digest(user, password, role)
    factory.add_role_from_structure(Gst.Structure.from_string(
        "user, media.factory.access=(boolean)true, media.factory.construct=(boolean)true")[0])
    server.set_auth(auth)

server.get_mount_points().add_factory("/x", factory)
server.attach(None)
print("port", server.get_bound_port(), flush=True)
GLib.MainLoop().run()
