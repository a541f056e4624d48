"""Drives every service of an ONVIF camera with zeep (Debian: python3-zeep), which knows nothing of ours: it makes and reads each message by the
published WSDLs and schemas, and is strict about what it reads.

stdin: {"deviceUri", "user", "password", "published"} (the last is the folder of the schemas); stdout: one JSON object
{"asked": ["<namespace> <operation>", ...], "mistakes": [...], "seen": {...}}. Exit status 1 with a traceback when it cannot go on.
"""
import datetime, http.server, json, sys, threading, time
import requests, zeep
from lxml import etree
from requests.auth import HTTPDigestAuth
from zeep.exceptions import Fault
from zeep.plugins import HistoryPlugin
from zeep.wsse.username import UsernameToken
from published import BINDINGS, TT, WSNT, WSNTW, Published


def extras(holder):
    """What stands behind an xs:any, which zeep reads as any whatever else the schema says of it: values of elements it knows, or bare XML."""
    return list((holder._value_1 if holder is not None else None) or [])


def tokens(holder):
    return [one.get('token') if isinstance(one, etree._Element) else one.token for one in extras(holder)]


def inner(answer, name):
    """zeep hands out the only member of an answer itself, but not of one that might have others."""
    return getattr(answer, name, answer)


class Walk:
    def __init__(self, told):
        self.told = told
        self.asked, self.mistakes, self.seen = [], [], {}
        self.transport = Published(told['published'], requests.Session())
        self.history = HistoryPlugin(maxlen=1)
        wsse = UsernameToken(told['user'], told['password'], use_digest=True)
        self.client = zeep.Client('/all.wsdl', transport=self.transport, wsse=wsse, plugins=[self.history])
        # Those of imported documents are not its own to zeep.
        for document in self.client.wsdl._definitions.values():
            self.client.wsdl.bindings.update(document.bindings)
        self.services = {'Device': self.service('http://www.onvif.org/ver10/device/wsdl', 'Device', told['deviceUri'])}

    def service(self, space, name, address):
        return self.client.create_service(f'{{{space}}}{name}Binding', address)

    def check(self, what, is_so):
        if not is_so:
            self.mistakes.append(what)

    def ask(self, service, operation, **arguments):
        proxy = self.services[service] if isinstance(service, str) else service
        result = getattr(proxy, operation)(**arguments)
        sent = self.history.last_sent['envelope']
        body = sent.find('{http://www.w3.org/2003/05/soap-envelope}Body')[0]
        name = etree.QName(body)
        self.asked.append(f'{name.namespace} {name.localname}')
        return result

    def refused(self, service, operation, subcode, **arguments):
        try:
            self.ask(service, operation, **arguments)
        except Fault as fault:
            codes = [one.localname for one in fault.subcodes or []]
            self.check(f'{operation} is refused as {codes}, not {subcode}', subcode in codes)
            return
        self.mistakes.append(f'{operation} was not refused')

    def new(self, name, **members):
        return self.client.get_type(f'{{{TT}}}{name}')(**members)

    def device(self):
        ask, check = self.ask, self.check
        services = ask('Device', 'GetServices', IncludeCapability=True)
        for one in services:
            if one.Namespace in BINDINGS and BINDINGS[one.Namespace] != 'Device':
                self.services[BINDINGS[one.Namespace]] = self.service(one.Namespace, BINDINGS[one.Namespace], one.XAddr)
            check(f'{one.Namespace} tells nothing of itself', one.Capabilities is not None and one.Capabilities._value_1 is not None)
        check('a service is missing', len(self.services) == len(BINDINGS))
        for name in sorted(self.services):
            told = ask(name, 'GetServiceCapabilities')
            check(f'{name} has no capabilities', told is not None)
        check('DeviceIO counts one loudspeaker', ask('DeviceIO', 'GetServiceCapabilities').AudioOutputs == 1)
        capabilities = ask('Device', 'GetCapabilities', Category=['All'])
        check('both lists name the same media service', capabilities.Media.XAddr == self.services['Media']._binding_options['address'])
        outputs = [one.findtext(f'{{{TT}}}AudioOutputs') for one in extras(capabilities.Extension) if etree.QName(one).localname == 'DeviceIO']
        check('the loudspeaker is in the older list', outputs == ['1'])
        self.seen['identity'] = ask('Device', 'GetDeviceInformation').SerialNumber
        check('endpoint', ask('Device', 'GetEndpointReference')['GUID'].startswith('urn:uuid:'))
        check('hostname', ask('Device', 'GetHostname').Name.startswith('camera-'))
        check('scopes', any('/name/' in one.ScopeItem for one in ask('Device', 'GetScopes')))
        check('interfaces', len(ask('Device', 'GetNetworkInterfaces')) > 0)
        ask('Device', 'GetDNS')
        ask('Device', 'GetNetworkDefaultGateway')
        check('protocols', [one.Name for one in ask('Device', 'GetNetworkProtocols')] == ['HTTP', 'HTTPS', 'RTSP'])

    def upkeep(self):
        ask, check = self.ask, self.check
        host = {'Type': 'DNS', 'DNSname': 'time.example.org'}
        ask('Device', 'SetNTP', FromDHCP=False, NTPManual=[host, {'Type': 'IPv4', 'IPv4Address': '192.0.2.9'}])
        check('time servers', [one.DNSname or one.IPv4Address for one in ask('Device', 'GetNTP').NTPManual] == ['time.example.org', '192.0.2.9'])
        now = datetime.datetime.utcnow()
        date, clock = {'Year': now.year, 'Month': now.month, 'Day': now.day}, {'Hour': now.hour, 'Minute': now.minute, 'Second': now.second}
        ask('Device', 'SetSystemDateAndTime', DateTimeType='Manual', DaylightSavings=False, TimeZone={'TZ': 'CET-1CEST,M3.5.0,M10.5.0/3'},
            UTCDateTime={'Time': clock, 'Date': date})
        told = ask('Device', 'GetSystemDateAndTime')
        check('zone', told.TimeZone.TZ == 'CET-1CEST,M3.5.0,M10.5.0/3' and told.DateTimeType == 'Manual')
        check('date', told.UTCDateTime.Date.Year == now.year and told.UTCDateTime.Time.Hour in (now.hour, (now.hour + 1) % 24))
        ask('Device', 'CreateUsers', User=[{'Username': 'guard', 'Password': 'night&day', 'UserLevel': 'Operator'}])
        ask('Device', 'SetUser', User=[{'Username': 'guard', 'Password': 'other', 'UserLevel': 'User'}])
        check('users', [(one.Username, one.UserLevel) for one in ask('Device', 'GetUsers')][-1] == ('guard', 'User'))
        wsse, self.client.wsse = self.client.wsse, UsernameToken('guard', 'other', use_digest=True)
        check('the new user is let in', ask('Device', 'GetDeviceInformation') is not None)
        self.refused('Device', 'DeleteUsers', 'NotAuthorized', Username=['guard'])
        self.client.wsse = UsernameToken('guard', 'wrong', use_digest=True)
        self.refused('Device', 'GetDeviceInformation', 'NotAuthorized')
        self.client.wsse, self.transport.session.auth = None, HTTPDigestAuth('guard', 'other')
        check('HTTP Digest is another way in', ask('Device', 'GetDeviceInformation') is not None)
        self.client.wsse, self.transport.session.auth = wsse, None
        ask('Device', 'DeleteUsers', Username=['guard'])
        self.refused('Device', 'DeleteUsers', 'UsernameMissing', Username=['guard'])

    def media(self):
        ask, check = self.ask, self.check
        profiles = ask('Media', 'GetProfiles')
        check('profiles', [one.token for one in profiles] == ['profile_main', 'profile_sub'])
        check('the profile carries sound', tokens(profiles[0].Extension) == ['output_0', 'decoder_0'])
        check('one profile', ask('Media', 'GetProfile', ProfileToken='profile_sub').VideoEncoderConfiguration.Resolution.Width == 640)
        self.refused('Media', 'GetProfile', 'NoProfile', ProfileToken='none')
        check('sources', ask('Media', 'GetVideoSources')[0].token == 'source_0')
        check('source configurations', ask('Media', 'GetVideoSourceConfigurations')[0].Bounds.width == 1280)
        check('encoders', len(ask('Media', 'GetVideoEncoderConfigurations')) == 2)
        options = ask('Media', 'GetVideoEncoderConfigurationOptions', ConfigurationToken='encoder_sub')
        encoder = ask('Media', 'GetVideoEncoderConfiguration', ConfigurationToken='encoder_sub')
        smallest = min(options.H264.ResolutionsAvailable, key=lambda one: one.Width)
        encoder.Resolution, encoder.RateControl.FrameRateLimit = smallest, 10
        ask('Media', 'SetVideoEncoderConfiguration', Configuration=encoder, ForcePersistence=True)
        after = ask('Media', 'GetVideoEncoderConfiguration', ConfigurationToken='encoder_sub')
        check('the encoder is set', (after.Resolution.Width, after.RateControl.FrameRateLimit) == (smallest.Width, 10))
        setup = {'Stream': 'RTP-Unicast', 'Transport': {'Protocol': 'RTSP'}}
        self.seen['stream'] = ask('Media', 'GetStreamUri', StreamSetup=setup, ProfileToken='profile_main').Uri
        self.seen['snapshot'] = ask('Media', 'GetSnapshotUri', ProfileToken='profile_main').Uri
        picture = requests.get(self.seen['snapshot'], auth=HTTPDigestAuth(self.told['user'], self.told['password']), timeout=5)
        check('the picture is a JPEG', picture.status_code == 200 and picture.content[:2] == b'\xff\xd8')
        ask('Media', 'SetSynchronizationPoint', ProfileToken='profile_main')
        self.audio()
        self.overlays('Media')

    def audio(self):
        ask, check, sub = self.ask, self.check, {'ProfileToken': 'profile_sub'}
        check('no microphone', not ask('Media', 'GetAudioSources'))
        check('a loudspeaker', [one.token for one in ask('Media', 'GetAudioOutputs')] == ['speaker_0'])
        output = ask('Media', 'GetAudioOutputConfigurations')[0]
        check('it hangs on the output', output.OutputToken == 'speaker_0')
        decoder = ask('Media', 'GetAudioDecoderConfigurations')[0]
        check('G.711', ask('Media', 'GetAudioDecoderConfigurationOptions', **sub).G711DecOptions.SampleRateRange.Items == [8])
        ask('Media', 'RemoveAudioDecoderConfiguration', **sub)
        ask('Media', 'RemoveAudioOutputConfiguration', **sub)
        check('the profile is silent', ask('Media', 'GetProfile', **sub).Extension is None)
        ask('Media', 'AddAudioOutputConfiguration', ConfigurationToken=output.token, **sub)
        ask('Media', 'AddAudioDecoderConfiguration', ConfigurationToken=decoder.token, **sub)
        check('and speaks again', tokens(ask('Media', 'GetProfile', **sub).Extension) == [output.token, decoder.token])

    def overlays(self, service):
        ask, check = self.ask, self.check
        check('options of texts', inner(ask(service, 'GetOSDOptions', ConfigurationToken='source_config_0'), 'OSDOptions').MaximumNumberOfOSDs.PlainText > 0)
        osd = {'token': '', 'VideoSourceConfigurationToken': 'source_config_0', 'Type': 'Text', 'Position': {'Type': 'UpperRight'},
               'TextString': {'Type': 'Plain', 'PlainText': 'Gate <A> & "B"'}}
        token = inner(ask(service, 'CreateOSD', OSD=osd), 'OSDToken')
        ask(service, 'SetOSD', OSD={**osd, 'token': token, 'TextString': {'Type': 'Plain', 'PlainText': 'Yard é'}})
        texts = {one.token: one.TextString.PlainText for one in inner(ask(service, 'GetOSDs'), 'OSDs')}
        check(f'{service} keeps texts', texts.get(token) == 'Yard é')
        if service == 'Media':
            check('one text', inner(ask('Media', 'GetOSD', OSDToken=token), 'OSD').TextString.PlainText == 'Yard é')
        ask(service, 'DeleteOSD', OSDToken=token)
        check(f'{service} takes texts away', token not in [one.token for one in inner(ask(service, 'GetOSDs'), 'OSDs')])

    def media2(self):
        ask, check, sub = self.ask, self.check, {'ProfileToken': 'profile_sub'}
        profiles = ask('Media2', 'GetProfiles', Type=['All'])
        check('everything is in a profile', all(profiles[0].Configurations[part] is not None for part in
              ('VideoSource', 'VideoEncoder', 'PTZ', 'AudioOutput', 'AudioDecoder')))
        check('or nothing', ask('Media2', 'GetProfiles', Token='profile_sub')[0].Configurations is None)
        check('source configurations', ask('Media2', 'GetVideoSourceConfigurations')[0].SourceToken == 'source_0')
        options = ask('Media2', 'GetVideoEncoderConfigurationOptions', ConfigurationToken='encoder_main')
        check('options', options[0].Encoding == 'H264')
        encoder = [one for one in ask('Media2', 'GetVideoEncoderConfigurations') if one.token == 'encoder_main'][0]
        encoder.RateControl.BitrateLimit = 1024
        ask('Media2', 'SetVideoEncoderConfiguration', Configuration=encoder)
        after = ask('Media2', 'GetVideoEncoderConfigurations', ConfigurationToken='encoder_main')[0]
        check('the encoder is set', after.RateControl.BitrateLimit == 1024)
        check('instances', ask('Media2', 'GetVideoEncoderInstances', ConfigurationToken='source_config_0').Total == 2)
        check('the same stream', ask('Media2', 'GetStreamUri', Protocol='RTSP', ProfileToken='profile_main') == self.seen['stream'])
        check('the same picture', ask('Media2', 'GetSnapshotUri', ProfileToken='profile_main') == self.seen['snapshot'])
        ask('Media2', 'SetSynchronizationPoint', ProfileToken='profile_main')
        output, decoder = ask('Media2', 'GetAudioOutputConfigurations')[0], ask('Media2', 'GetAudioDecoderConfigurations')[0]
        check('decoder', ask('Media2', 'GetAudioDecoderConfigurationOptions')[0].Encoding == 'PCMU')
        ask('Media2', 'RemoveConfiguration', Configuration=[{'Type': 'AudioOutput'}, {'Type': 'AudioDecoder'}], **sub)
        silent = ask('Media2', 'GetProfiles', Token='profile_sub', Type=['AudioOutput', 'AudioDecoder'])[0]
        check('the profile is silent', silent.Configurations is None)
        ask('Media2', 'AddConfiguration', Configuration=[{'Type': 'AudioOutput', 'Token': output.token}, {'Type': 'AudioDecoder', 'Token': decoder.token}],
            **sub)
        loud = ask('Media2', 'GetProfiles', Token='profile_sub', Type=['AudioDecoder'])[0]
        check('and speaks again', loud.Configurations.AudioDecoder.token == decoder.token)
        self.refused('Media2', 'AddConfiguration', 'NoConfig', Configuration=[{'Type': 'AudioOutput', 'Token': 'none'}], **sub)
        self.overlays('Media2')

    def ptz(self):
        ask, check, main = self.ask, self.check, {'ProfileToken': 'profile_main'}
        node = ask('PTZ', 'GetNodes')[0]
        check('node', ask('PTZ', 'GetNode', NodeToken=node.token).HomeSupported)
        check('configuration', ask('PTZ', 'GetConfigurations')[0].NodeToken == node.token)
        check('the same', ask('PTZ', 'GetConfiguration', PTZConfigurationToken='ptz_config_0').token == 'ptz_config_0')
        check('options', ask('PTZ', 'GetConfigurationOptions', ConfigurationToken='ptz_config_0').PTZTimeout is not None)
        ask('PTZ', 'AbsoluteMove', Position={'PanTilt': {'x': 0.5, 'y': -0.5}, 'Zoom': {'x': 0.25}}, **main)
        check('it is where it was sent', self.arrived(main) == (0.5, -0.5, 0.25))
        ask('PTZ', 'RelativeMove', Translation={'PanTilt': {'x': -0.25, 'y': 0}, 'Zoom': {'x': 0}}, **main)
        check('one step further', self.arrived(main) == (0.25, -0.5, 0.25))
        ask('PTZ', 'SetHomePosition', **main)
        token = ask('PTZ', 'SetPreset', PresetName='Gate & yard', **main)
        check('presets', [(one.token, one.Name) for one in ask('PTZ', 'GetPresets', **main)] == [(token, 'Gate & yard')])
        ask('PTZ', 'ContinuousMove', Velocity={'PanTilt': {'x': 1, 'y': 0}}, Timeout=datetime.timedelta(seconds=5), **main)
        check('it moves', ask('PTZ', 'GetStatus', **main).MoveStatus.PanTilt == 'MOVING')
        ask('PTZ', 'Stop', PanTilt=True, Zoom=True, **main)
        ask('PTZ', 'GotoPreset', PresetToken=token, **main)
        check('it is back', self.arrived(main)[0] == 0.25)
        ask('PTZ', 'GotoHomePosition', **main)
        ask('PTZ', 'SendAuxiliaryCommand', AuxiliaryData='tt:Wiper|On', **main)
        self.refused('PTZ', 'ContinuousMove', 'TimeoutNotSupported', Velocity={'PanTilt': {'x': 1, 'y': 0}}, Timeout=datetime.timedelta(hours=5), **main)
        self.tours(token, main)
        ask('PTZ', 'RemovePreset', PresetToken=token, **main)

    def arrived(self, main):
        """Where it looks once it came to rest, after two seconds at most."""
        for _ in range(100):
            status = self.ask('PTZ', 'GetStatus', **main)
            if status.MoveStatus.PanTilt == status.MoveStatus.Zoom == 'IDLE':
                break
            time.sleep(0.02)
        at = status.Position
        return round(at.PanTilt.x, 2), round(at.PanTilt.y, 2), round(at.Zoom.x, 2)

    def tours(self, preset, main):
        ask, check = self.ask, self.check
        token = ask('PTZ', 'CreatePresetTour', **main)
        options = ask('PTZ', 'GetPresetTourOptions', **main)
        check('presets to tour', preset in options.TourSpot.PresetDetail.PresetToken)
        tour = ask('PTZ', 'GetPresetTour', PresetTourToken=token, **main)
        tour.Name, tour.StartingCondition = 'Round', {}
        tour.TourSpot = [{'PresetDetail': {'PresetToken': preset}, 'StayTime': datetime.timedelta(seconds=5)}]
        ask('PTZ', 'ModifyPresetTour', PresetTour=tour, **main)
        ask('PTZ', 'OperatePresetTour', PresetTourToken=token, Operation='Start', **main)
        check('it tours', [(one.Name, one.Status.State) for one in ask('PTZ', 'GetPresetTours', **main)] == [('Round', 'Touring')])
        ask('PTZ', 'OperatePresetTour', PresetTourToken=token, Operation='Stop', **main)
        ask('PTZ', 'RemovePresetTour', PresetTourToken=token, **main)

    def imaging(self):
        ask, check, source = self.ask, self.check, {'VideoSourceToken': 'source_0'}
        check('options', ask('Imaging', 'GetOptions', **source).Brightness.Max == 100)
        settings = ask('Imaging', 'GetImagingSettings', **source)
        settings.Brightness, settings.IrCutFilter = 70, 'OFF'
        ask('Imaging', 'SetImagingSettings', ImagingSettings=settings, ForcePersistence=True, **source)
        check('brightness', ask('Imaging', 'GetImagingSettings', **source).Brightness == 70)
        speed = ask('Imaging', 'GetMoveOptions', **source).Continuous.Speed
        ask('Imaging', 'Move', Focus={'Continuous': {'Speed': speed.Max}}, **source)
        check('the focus moves', ask('Imaging', 'GetStatus', **source).FocusStatus20.MoveStatus == 'MOVING')
        ask('Imaging', 'Stop', **source)
        self.refused('Imaging', 'GetImagingSettings', 'NoSource', VideoSourceToken='none')

    def io(self):
        ask, check = self.ask, self.check
        check('sources', ask('DeviceIO', 'GetVideoSources') == ['source_0'] and not ask('DeviceIO', 'GetVideoOutputs'))
        check('sound', not ask('DeviceIO', 'GetAudioSources') and ask('DeviceIO', 'GetAudioOutputs') == ['speaker_0'])
        for service in ('DeviceIO', 'Device'):
            check(f'relays of {service}', [one.token for one in ask(service, 'GetRelayOutputs')] == ['relay_0', 'relay_1'])
        modes = {one.token: one.Mode for one in ask('DeviceIO', 'GetRelayOutputOptions')}
        check('modes', modes['relay_1'] == ['Bistable', 'Monostable'])
        properties = {'Mode': 'Bistable', 'DelayTime': datetime.timedelta(0), 'IdleState': 'open'}
        ask('DeviceIO', 'SetRelayOutputSettings', RelayOutput={'token': 'relay_1', 'Properties': properties})
        ask('Device', 'SetRelayOutputSettings', RelayOutputToken='relay_1', Properties=properties)
        check('relay settings', ask('Device', 'GetRelayOutputs')[1].Properties.Mode == 'Bistable')
        check('inputs', [one.token for one in ask('DeviceIO', 'GetDigitalInputs')] == ['input_0', 'input_1'])
        ask('DeviceIO', 'GetDigitalInputConfigurationOptions', Token='input_0')
        ask('DeviceIO', 'SetDigitalInputConfigurations', DigitalInputs=[{'token': 'input_0', 'IdleState': 'closed'}])
        check('idle state', ask('DeviceIO', 'GetDigitalInputs')[0].IdleState == 'closed')

    def relay(self, is_on):
        self.ask('DeviceIO', 'SetRelayOutputState', RelayOutputToken='relay_0', LogicalState='active' if is_on else 'inactive')

    @staticmethod
    def told_relay(notifications):
        """States of the relay among notifications, in order."""
        found = []
        for one in notifications:
            message = one.Message._value_1
            items = {item.Name: item.Value for part in (message.Source, message.Data) for item in part.SimpleItem}
            found += [items['LogicalState']] if items.get('RelayToken') == 'relay_0' else []
        return found

    def events(self):
        ask, check = self.ask, self.check
        properties = ask('Event', 'GetEventProperties')
        topics = [etree.QName(one).localname for root in properties.TopicSet._value_1 for one in root.iter() if isinstance(one.tag, str)]
        check('topics', 'CellMotionDetector' in topics and 'DigitalInput' in topics)
        minute = datetime.timedelta(minutes=1)
        made = ask('Event', 'CreatePullPointSubscription', InitialTerminationTime='PT60S')
        check('it lives as long as asked', made.TerminationTime - made.CurrentTime == minute)
        address = made.SubscriptionReference.Address._value_1
        point = self.client.create_service('{http://www.onvif.org/ver10/events/wsdl}PullPointSubscriptionBinding', address)
        manager = self.client.create_service(f'{{{WSNTW}}}All', address)
        second = datetime.timedelta(seconds=1)
        check('every state comes first', self.told_relay(ask(point, 'PullMessages', Timeout=second, MessageLimit=50).NotificationMessage) == ['inactive'])
        self.relay(True)
        check('a change is told', self.told_relay(ask(point, 'PullMessages', Timeout=second, MessageLimit=50).NotificationMessage) == ['active'])
        ask(point, 'SetSynchronizationPoint')
        check('states again', self.told_relay(ask(point, 'PullMessages', Timeout=second, MessageLimit=50).NotificationMessage) == ['active'])
        renewed = ask(manager, 'Renew', TerminationTime='PT60S')
        check('it is renewed', renewed.TerminationTime - renewed.CurrentTime == minute)
        ask(manager, 'Unsubscribe')
        self.refused(point, 'PullMessages', 'ResourceUnknown', Timeout=second, MessageLimit=50)
        self.filtered()
        self.pushed()

    def filtered(self):
        expression = etree.Element(f'{{{WSNT}}}TopicExpression', Dialect='http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet')
        expression.text = 'tns1:Device//.'
        made = self.ask('Event', 'CreatePullPointSubscription', Filter={'_value_1': [expression]}, InitialTerminationTime='PT60S')
        address = made.SubscriptionReference.Address._value_1
        point = self.client.create_service('{http://www.onvif.org/ver10/events/wsdl}PullPointSubscriptionBinding', address)
        self.ask(point, 'PullMessages', Timeout=datetime.timedelta(seconds=1), MessageLimit=50)
        # zeep does not read text that might have elements in it.
        topics = {one.text for one in self.history.last_received['envelope'].iter(f'{{{WSNT}}}Topic')}
        self.check('only what was asked for', len(topics) > 0 and all(one.startswith('tns1:Device/') for one in topics))
        self.ask(self.client.create_service(f'{{{WSNTW}}}All', address), 'Unsubscribe')

    def pushed(self):
        """Base notification: the camera sends to an address of ours, which reads it by the schema too."""
        walk, states, heard = self, [], threading.Event()

        class Consumer(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                root = etree.fromstring(self.rfile.read(int(self.headers['Content-Length'])))
                notify = next(root.iter(f'{{{WSNT}}}Notify'))
                read = walk.client.get_element(f'{{{WSNT}}}Notify').parse(notify, walk.client.wsdl.types)
                states.extend(walk.told_relay(read.NotificationMessage))
                self.send_response(200)
                self.send_header('Content-Length', '0')
                self.end_headers()
                if 'inactive' in states:
                    heard.set()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Consumer)
        threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True).start()
        try:
            producer = self.client.create_service(f'{{{WSNTW}}}All', self.services['Event']._binding_options['address'])
            made = self.ask(producer, 'Subscribe', ConsumerReference={'Address': f'http://127.0.0.1:{server.server_address[1]}/'},
                            InitialTerminationTime='PT60S')
            self.relay(False)
            self.check('a change is sent', heard.wait(3))
            self.ask(self.client.create_service(f'{{{WSNTW}}}All', made.SubscriptionReference.Address._value_1), 'Unsubscribe')
        finally:
            server.shutdown()
            server.server_close()

    def storage(self):
        ask, check = self.ask, self.check
        summary = ask('Search', 'GetRecordingSummary')
        check('one recording', summary.NumberRecordings == 1 and summary.DataFrom < summary.DataUntil)
        item = ask('Recording', 'GetRecordings')[0]
        token = item.RecordingToken
        check('a track', len(item.Tracks.Track) > 0)
        check('its configuration', ask('Recording', 'GetRecordingConfiguration', RecordingToken=token).Source is not None)
        ask('Recording', 'GetRecordingOptions', RecordingToken=token)
        check('a job', ask('Recording', 'GetRecordingJobs')[0].JobConfiguration.RecordingToken == token)
        check('information', ask('Search', 'GetRecordingInformation', RecordingToken=token).EarliestRecording == summary.DataFrom)
        keep = datetime.timedelta(seconds=30)
        found, search = [], ask('Search', 'FindRecordings', Scope={}, KeepAliveTime=keep)
        self.collect(search, 'GetRecordingSearchResults', 'RecordingInformation', found)
        check('it is found', [one.RecordingToken for one in found] == [token])
        changes, search = [], ask('Search', 'FindEvents', StartPoint=summary.DataFrom, EndPoint=summary.DataUntil, Scope={}, SearchFilter={},
                                  IncludeStartState=True, KeepAliveTime=keep)
        check('the search is known', ask('Search', 'GetSearchState', SearchToken=search) in ('Searching', 'Completed'))
        self.collect(search, 'GetEventSearchResults', 'Result', changes)
        self.seen['changes'] = len(changes)
        check('they are in order', [one.Time for one in changes] == sorted(one.Time for one in changes))
        ask('Search', 'EndSearch', SearchToken=search)
        self.refused('Search', 'EndSearch', 'InvalidToken', SearchToken=search)
        setup = {'Stream': 'RTP-Unicast', 'Transport': {'Protocol': 'RTSP'}}
        self.seen['replay'] = ask('Replay', 'GetReplayUri', StreamSetup=setup, RecordingToken=token)
        check('session timeout', ask('Replay', 'GetReplayConfiguration').SessionTimeout == datetime.timedelta(seconds=60))

    def collect(self, search, operation, member, into):
        for _ in range(20):
            said = self.ask('Search', operation, SearchToken=search, MaxResults=50, WaitTime=datetime.timedelta(seconds=1))
            into.extend(said[member] or [])
            if said.SearchState == 'Completed':
                return
        self.mistakes.append(f'{operation} does not come to an end')

    def end(self):
        """What makes the camera go away comes last."""
        start = self.ask('Device', 'StartFirmwareUpgrade')
        self.check('a place for the image', start.UploadUri.startswith('http://'))
        self.check('words about it', 'Rebooting' in self.ask('Device', 'SystemReboot'))


def main():
    walk = Walk(json.load(sys.stdin))
    for part in (walk.device, walk.upkeep, walk.media, walk.media2, walk.ptz, walk.imaging, walk.io, walk.events, walk.storage, walk.end):
        try:
            part()
        except Exception as error:
            raise RuntimeError(f'{part.__name__}, after {walk.asked[-1:]}') from error
    json.dump({'asked': sorted(set(walk.asked)), 'mistakes': walk.mistakes, 'seen': walk.seen}, sys.stdout)


main()
