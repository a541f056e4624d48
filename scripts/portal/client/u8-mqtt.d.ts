/** Types of the part of u8-mqtt 0.6.7 that u8-transport.ts uses; the package ships none. */
declare module 'u8-mqtt/esm/web/basic-v4.js' {
  export interface U8Packet {
    readonly type: string;
    readonly topic: string;
    readonly payload: Uint8Array;
    readonly qos: number;
  }
  export interface U8Answer {
    /** One per topic of a SUBSCRIBE; a number object, 128 and above is a refusal. */
    readonly answers?: readonly number[];
  }
  /** `[packet]`, or `[undefined, reason]` when no answer came. */
  export type U8Result = readonly [U8Answer | undefined, string?];
  export interface U8Client {
    with_websock(socket: object): U8Client;
    connect(packet: { client_id: string; username?: string; keep_alive?: number; flags?: { clean_start: boolean } }): Promise<U8Result>;
    subscribe(packet: { topics: readonly (readonly [string, { qos: number }])[] }): Promise<U8Result>;
    unsubscribe(topic: string): Promise<U8Result>;
    pub(packet: { topic: string; payload: string; qos: 0 | 1; retain?: 1 }): Promise<U8Result>;
    ping(): Promise<U8Result>;
    disconnect(): Promise<unknown>;
  }
  export interface U8Options {
    readonly on_mqtt_type: { mqtt_publish(packet: U8Packet): void };
    readonly keep_alive?: number;
    on_disconnect?(client: U8Client, isIntended: boolean, error?: unknown): void;
    on_error?(error: unknown): void;
    log_conn?(): void;
    on_live?(): void;
  }
  export function mqtt_v4(options: U8Options): U8Client;
}
