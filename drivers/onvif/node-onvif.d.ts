/** The two methods of node-onvif 0.1.7 that are used, and the two that are replaced; it ships no types. */
declare module 'node-onvif/lib/modules/soap.js' {
  interface NodeOnvifSoap {
    createRequestSoap(params: { body: string; xmlns: readonly string[]; user?: string }): string;
    parse(soap: string): Promise<unknown>;
    _createSoapUserToken(diff: unknown, user: string): string;
    _request(): Promise<never>;
  }
  const soap: NodeOnvifSoap;
  export default soap;
}
