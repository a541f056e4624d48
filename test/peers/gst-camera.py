"""A camera's stream from GStreamer's RTSP server: digest authentication, live H.264, GOP 1 s. An RTSP peer that is not ours.

Run by gst-camera.ts. Reads user and password (one a line) from stdin, prints the port as JSON when it listens, ends when stdin does.
"""
import json
import sys

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstRtsp', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

STREAMS = {'/main': (1280, 720, 1500), '/sub': (640, 360, 500)}


def launch(width, height, kbps):
    source = f'videotestsrc is-live=true pattern=ball ! video/x-raw,width={width},height={height},framerate=25/1'
    encoder = f'x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bframes=0 bitrate={kbps}'
    return f'( {source} ! {encoder} ! video/x-h264,profile=main ! rtph264pay name=pay0 pt=96 config-interval=-1 )'


def main():
    user = sys.stdin.readline().rstrip('\n')
    password = sys.stdin.readline().rstrip('\n')
    Gst.init(None)
    loop = GLib.MainLoop()
    server = GstRtspServer.RTSPServer()
    server.set_address('127.0.0.1')
    server.set_service('0')

    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string('media.factory.role', 'viewer')
    auth.add_digest(user, password, token)
    server.set_auth(auth)

    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role('viewer', 'media.factory.access', True)
    permissions.add_permission_for_role('viewer', 'media.factory.construct', True)
    for path, (width, height, kbps) in STREAMS.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch(width, height, kbps))
        factory.set_shared(True)
        factory.set_permissions(permissions)
        server.get_mount_points().add_factory(path, factory)

    server.attach(None)
    print(json.dumps({'port': server.get_bound_port()}), flush=True)

    channel = GLib.IOChannel.unix_new(sys.stdin.fileno())
    GLib.io_add_watch(channel, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, lambda *_: loop.quit())
    loop.run()


main()
