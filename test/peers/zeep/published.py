"""ONVIF's published WSDLs and schemas for zeep (Debian: python3-zeep), read from a folder and never from the network."""
import os, re
from lxml import etree
from zeep.transports import Transport

WSDL = '{http://schemas.xmlsoap.org/wsdl/}'
WSNT = 'http://docs.oasis-open.org/wsn/b-2'
WSNTW = 'http://docs.oasis-open.org/wsn/bw-2'
TT = 'http://www.onvif.org/ver10/schema'
FILES = ['ver10/device/wsdl/devicemgmt.wsdl', 'ver10/media/wsdl/media.wsdl', 'ver20/media/wsdl/media.wsdl', 'ver20/ptz/wsdl/ptz.wsdl',
         'ver20/imaging/wsdl/imaging.wsdl', 'ver10/events/wsdl/event.wsdl', 'ver10/deviceio.wsdl', 'ver10/search.wsdl', 'ver10/recording.wsdl',
         'ver10/replay.wsdl']
BINDINGS = {'http://www.onvif.org/ver10/device/wsdl': 'Device', 'http://www.onvif.org/ver10/media/wsdl': 'Media',
            'http://www.onvif.org/ver20/media/wsdl': 'Media2', 'http://www.onvif.org/ver20/ptz/wsdl': 'PTZ',
            'http://www.onvif.org/ver20/imaging/wsdl': 'Imaging', 'http://www.onvif.org/ver10/events/wsdl': 'Event',
            'http://www.onvif.org/ver10/deviceIO/wsdl': 'DeviceIO', 'http://www.onvif.org/ver10/search/wsdl': 'Search',
            'http://www.onvif.org/ver10/recording/wsdl': 'Recording', 'http://www.onvif.org/ver10/replay/wsdl': 'Replay'}
# OASIS' own WSDL of base notification is not among the published files: its three operations by the messages of b-2.xsd (WS-BaseNotification 1.3).
WSN = {'Subscribe': 'NotificationProducer', 'Renew': 'SubscriptionManager', 'Unsubscribe': 'SubscriptionManager'}


def notification_wsdl():
    messages = ports = operations = ''
    for name, port in WSN.items():
        for kind in ('', 'Response'):
            messages += f'<w:message name="{name}{kind}"><w:part name="parameters" element="n:{name}{kind}"/></w:message>'
        action = f'{WSNTW}/{port}/{name}'
        ports += (f'<w:operation name="{name}"><w:input message="t:{name}" a:Action="{action}Request"/>'
                  f'<w:output message="t:{name}Response" a:Action="{action}Response"/></w:operation>')
        body = '<s:body use="literal"/>'
        operations += (f'<w:operation name="{name}"><s:operation soapAction="{action}Request"/><w:input>{body}</w:input>'
                       f'<w:output>{body}</w:output></w:operation>')
    return (f'<w:definitions xmlns:w="{WSDL[1:-1]}" xmlns:n="{WSNT}" xmlns:t="{WSNTW}" xmlns:a="http://www.w3.org/2006/05/addressing/wsdl"'
            f' xmlns:s="http://schemas.xmlsoap.org/wsdl/soap12/" targetNamespace="{WSNTW}">{messages}<w:portType name="All">{ports}</w:portType>'
            f'<w:binding name="All" type="t:All"><s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{operations}'
            '</w:binding></w:definitions>').encode()


class Published(Transport):
    """Reads schemas from the folder, whatever address they are named by; nothing comes from the network."""

    def __init__(self, folder, session):
        super().__init__(session=session, timeout=5, operation_timeout=5)
        self.folder = folder
        plain = lambda name: re.sub(r'[^a-z0-9]', '', name.lower())
        self.ws = {plain(name[:-4]): os.path.join(folder, 'ws', name) for name in os.listdir(os.path.join(folder, 'ws'))}
        self.plain = plain

    def load(self, url):
        if url == '/all.wsdl':
            rows = ''.join(f'<w:import namespace="urn:{at}" location="{os.path.join(self.folder, "onvif", name)}"/>' for at, name in enumerate(FILES))
            rows += '<w:import namespace="urn:wsn" location="/wsn.wsdl"/>'
            return f'<w:definitions xmlns:w="{WSDL[1:-1]}" targetNamespace="urn:all">{rows}</w:definitions>'.encode()
        if url == '/wsn.wsdl':
            return notification_wsdl()
        path = url
        if '://' in url:
            tail = self.plain(url)
            path = next(found for key, found in self.ws.items() if tail.endswith(key) or tail.endswith(key + 'xsd'))
        with open(path, 'rb') as file:
            data = file.read()
        return self.without_wsn(data) if path.endswith('event.wsdl') else data

    def without_wsn(self, data):
        root = etree.fromstring(data)
        for one in list(root.iter(WSDL + 'import', WSDL + 'fault', WSDL + 'binding', WSDL + 'operation')):
            is_foreign = one.tag == WSDL + 'binding' and one.get('type').startswith('wsntw:')
            # Unsubscribe stands twice there: it is asked at the subscription manager.
            is_double = one.tag == WSDL + 'operation' and one.get('name') == 'Unsubscribe'
            if one.getparent() is not None and (is_foreign or is_double or one.tag in (WSDL + 'import', WSDL + 'fault')):
                one.getparent().remove(one)
        return etree.tostring(root)
