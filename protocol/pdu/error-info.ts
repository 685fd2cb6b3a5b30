import type { ReadCursor } from '../core/cursor.ts';
import { WriteCursor } from '../core/cursor.ts';

/**
 * Why the server is about to disconnect. Comes before the disconnect itself, or with the value 0 when all is well.
 *
 * @pdu [MS-RDPBCGR] 2.2.5.1.1 TS_SET_ERROR_INFO_PDU
 */
export interface SetErrorInfo {
  readonly errorInfo: number;
}

export function decodeSetErrorInfo(cursor: ReadCursor): SetErrorInfo {
  return { errorInfo: cursor.u32('errorInfo') };
}

export function sizeOfSetErrorInfo(): number {
  return 4; /* errorInfo */
}

export function encodeSetErrorInfo(pdu: SetErrorInfo): Uint8Array<ArrayBuffer> {
  const cursor = new WriteCursor(sizeOfSetErrorInfo());
  cursor.u32(pdu.errorInfo);
  return cursor.finish();
}

/** The `errorInfo` values that our own code names; the table below has them all. */
export const ErrorInfo = {
  none: 0x00000000,
  rpcInitiatedDisconnect: 0x00000001,
  rpcInitiatedLogoff: 0x00000002,
  idleTimeout: 0x00000003,
  logonTimeout: 0x00000004,
  disconnectedByOtherConnection: 0x00000005,
  outOfMemory: 0x00000006,
  serverDeniedConnection: 0x00000007,
  insufficientPrivileges: 0x00000009,
  freshCredentialsRequired: 0x0000000a,
  disconnectByUser: 0x0000000b,
  logoffByUser: 0x0000000c,
} as const;

/** What a session that ends with an `errorInfo` ends as: a row of docs/errors.md. */
export type ErrorInfoCode =
  | 'logged_off'
  | 'disconnected_by_server'
  | 'logon_failed'
  | 'account_restricted'
  | 'licensing_failed'
  | 'protocol_error';

export interface ErrorInfoDescription {
  readonly code: ErrorInfoCode;
  /** The specification's name without `ERRINFO_`, in lower case: stable, for logs and for the page to translate. */
  readonly name: string;
  /** One sentence that a user understands. */
  readonly message: string;
}

/** Describes any value: those the specification does not list are a disconnect by the server with its number. */
export function describeErrorInfo(errorInfo: number): ErrorInfoDescription {
  const known = DESCRIPTIONS.get(errorInfo);
  if (known) return known;
  const number = `0x${errorInfo.toString(16).padStart(8, '0')}`;
  const name = PROTOCOL_ERRORS.get(errorInfo);
  if (name !== undefined) {
    return {
      code: 'protocol_error',
      name,
      message: `The server ended the session because of a protocol error (${name}, ${number}).`,
    };
  }
  if (errorInfo >= FIRST_SECURITY_DATA_TOO_SHORT && errorInfo <= LAST_SECURITY_DATA_TOO_SHORT) {
    return {
      code: 'protocol_error',
      // The specification numbers them 2 … 23; 1 is 0x10e0.
      name: `security_data_too_short_${errorInfo - FIRST_SECURITY_DATA_TOO_SHORT + 2}`,
      message: `The server ended the session because of a protocol error (${number}).`,
    };
  }
  return {
    code: 'disconnected_by_server',
    name: 'unknown',
    message: `The server ended the session and gave a reason that is not known here (${number}).`,
  };
}

/** All values with a name, for tests and documentation. */
export function listErrorInfo(): readonly number[] {
  const values = [...DESCRIPTIONS.keys(), ...PROTOCOL_ERRORS.keys()];
  for (let value = FIRST_SECURITY_DATA_TOO_SHORT; value <= LAST_SECURITY_DATA_TOO_SHORT; value++) values.push(value);
  return values.sort((a, b) => a - b);
}

const FIRST_SECURITY_DATA_TOO_SHORT = 0x1111;
const LAST_SECURITY_DATA_TOO_SHORT = 0x1126;

const BY_SERVER: ErrorInfoCode = 'disconnected_by_server';
const LICENSING: ErrorInfoCode = 'licensing_failed';

/** Protocol-independent codes, licensing codes and connection broker codes: what a person may meet. */
const DESCRIPTIONS = new Map<number, ErrorInfoDescription>(
  (
    [
      // Protocol-independent codes
      [0x0001, BY_SERVER, 'rpc_initiated_disconnect', 'An administrator of the server disconnected the session.'],
      [0x0002, 'logged_off', 'rpc_initiated_logoff', 'An administrator of the server logged the session off.'],
      [0x0003, BY_SERVER, 'idle_timeout', 'The server ended the session because it was idle for too long.'],
      [0x0004, BY_SERVER, 'logon_timeout', 'The server ended the session because its time limit was reached.'],
      [
        0x0005,
        BY_SERVER,
        'disconnected_by_other_connection',
        'The session was taken over by another connection to the same account.',
      ],
      [0x0006, BY_SERVER, 'out_of_memory', 'The server has run out of memory.'],
      [0x0007, BY_SERVER, 'server_denied_connection', 'The server refused the connection.'],
      [
        0x0009,
        'account_restricted',
        'server_insufficient_privileges',
        'The account is not allowed to log on to this server remotely.',
      ],
      [
        0x000a,
        'logon_failed',
        'server_fresh_credentials_required',
        'The server does not accept saved credentials and wants them typed in.',
      ],
      [0x000b, BY_SERVER, 'rpc_initiated_disconnect_by_user', 'The session was disconnected from within the desktop.'],
      [0x000c, 'logged_off', 'logoff_by_user', 'You logged off from the desktop.'],
      [0x000f, BY_SERVER, 'close_stack_on_driver_not_ready', 'The display driver of the server was not ready in time.'],
      [0x0010, BY_SERVER, 'server_dwm_crash', 'The window manager of the server stopped unexpectedly.'],
      [0x0011, BY_SERVER, 'close_stack_on_driver_failure', 'The display driver of the server could not start.'],
      [0x0012, BY_SERVER, 'close_stack_on_driver_iface_failure', 'The display driver of the server could not be used.'],
      [0x0017, BY_SERVER, 'server_winlogon_crash', 'The logon process of the server stopped unexpectedly.'],
      [0x0018, BY_SERVER, 'server_csrss_crash', 'A system process of the server stopped unexpectedly.'],
      [0x0019, BY_SERVER, 'server_shutdown', 'The server is shutting down.'],
      [0x001a, BY_SERVER, 'server_reboot', 'The server is restarting.'],
      // Protocol-independent licensing codes
      [0x0100, LICENSING, 'license_internal', 'The licensing of the server failed with an internal error.'],
      [0x0101, LICENSING, 'license_no_license_server', 'The server found no Remote Desktop license server.'],
      [0x0102, LICENSING, 'license_no_license', 'The server has no Remote Desktop license left for this connection.'],
      [0x0103, LICENSING, 'license_bad_client_msg', 'The server did not accept a licensing message.'],
      [0x0104, LICENSING, 'license_hwid_doesnt_match_license', 'The license was issued to another computer.'],
      [0x0105, LICENSING, 'license_bad_client_license', 'The server did not accept the license.'],
      [
        0x0106,
        LICENSING,
        'license_cant_finish_protocol',
        'The licensing could not be finished because of the network.',
      ],
      [0x0107, LICENSING, 'license_client_ended_protocol', 'The licensing was ended too early.'],
      [0x0108, LICENSING, 'license_bad_client_encryption', 'A licensing message was encrypted wrongly.'],
      [0x0109, LICENSING, 'license_cant_upgrade_license', 'The license could not be upgraded.'],
      [0x010a, LICENSING, 'license_no_remote_connections', 'The server is not licensed to accept remote connections.'],
      // Protocol-independent connection broker codes
      [0x0400, BY_SERVER, 'cb_destination_not_found', 'The connection broker did not find the desktop.'],
      [0x0402, BY_SERVER, 'cb_loading_destination', 'The desktop that was chosen is leaving the connection broker.'],
      [0x0404, BY_SERVER, 'cb_redirecting_to_destination', 'The connection broker could not redirect the connection.'],
      [0x0405, BY_SERVER, 'cb_session_online_vm_wake', 'The virtual desktop could not be woken.'],
      [0x0406, BY_SERVER, 'cb_session_online_vm_boot', 'The virtual desktop could not be started.'],
      [0x0407, BY_SERVER, 'cb_session_online_vm_no_dns', 'The virtual desktop has no address yet.'],
      [0x0408, BY_SERVER, 'cb_destination_pool_not_free', 'No virtual desktop is free.'],
      [0x0409, BY_SERVER, 'cb_connection_cancelled', 'The connection broker cancelled the connection.'],
      [0x0410, BY_SERVER, 'cb_connection_error_invalid_settings', 'The connection broker refused the settings.'],
      [0x0411, BY_SERVER, 'cb_session_online_vm_boot_timeout', 'The virtual desktop took too long to start.'],
      [0x0412, BY_SERVER, 'cb_session_online_vm_sessmon_failed', 'The virtual desktop could not be monitored.'],
    ] as const
  ).map(([value, code, name, message]) => [value, { code, name, message }]),
);

/** RDP-specific codes: a peer, most likely ours, broke the protocol. A person can only pass the name on. */
const PROTOCOL_ERRORS = new Map<number, string>([
  [0x10c9, 'unknown_data_pdu_type'],
  [0x10ca, 'unknown_pdu_type'],
  [0x10cb, 'data_pdu_sequence'],
  [0x10cd, 'control_pdu_sequence'],
  [0x10ce, 'invalid_control_pdu_action'],
  [0x10cf, 'invalid_input_pdu_type'],
  [0x10d0, 'invalid_input_pdu_mouse'],
  [0x10d1, 'invalid_refresh_rect_pdu'],
  [0x10d2, 'create_user_data_failed'],
  [0x10d3, 'connect_failed'],
  [0x10d4, 'confirm_active_has_wrong_shareid'],
  [0x10d5, 'confirm_active_has_wrong_originator'],
  [0x10da, 'persistent_key_pdu_bad_length'],
  [0x10db, 'persistent_key_pdu_illegal_first'],
  [0x10dc, 'persistent_key_pdu_too_many_total_keys'],
  [0x10dd, 'persistent_key_pdu_too_many_cache_keys'],
  [0x10de, 'input_pdu_bad_length'],
  [0x10df, 'bitmap_cache_error_pdu_bad_length'],
  [0x10e0, 'security_data_too_short'],
  [0x10e1, 'vchannel_data_too_short'],
  [0x10e2, 'share_data_too_short'],
  [0x10e3, 'bad_suppress_output_pdu'],
  [0x10e5, 'confirm_active_pdu_too_short'],
  [0x10e7, 'capability_set_too_small'],
  [0x10e8, 'capability_set_too_large'],
  [0x10e9, 'no_cursor_cache'],
  [0x10ea, 'bad_capabilities'],
  [0x10ec, 'virtual_channel_decompression'],
  [0x10ed, 'invalid_vc_compression_type'],
  [0x10ef, 'invalid_channel_id'],
  [0x10f0, 'vchannels_too_many'],
  [0x10f3, 'remoteapp_not_enabled'],
  [0x10f4, 'cache_cap_not_set'],
  [0x10f5, 'bitmap_cache_error_pdu_bad_length_2'],
  [0x10f6, 'offscreen_cache_error_pdu_bad_length'],
  [0x10f7, 'drawninegrid_cache_error_pdu_bad_length'],
  [0x10f8, 'gdiplus_pdu_bad_length'],
  [0x1129, 'bad_monitor_data'],
  [0x112a, 'vc_decompressed_reassemble_failed'],
  [0x112b, 'vc_data_too_long'],
  [0x112c, 'bad_frame_ack_data'],
  [0x112d, 'graphics_mode_not_supported'],
  [0x112e, 'graphics_subsystem_reset_failed'],
  [0x112f, 'graphics_subsystem_failed'],
  [0x1130, 'timezone_key_name_length_too_short'],
  [0x1131, 'timezone_key_name_length_too_long'],
  [0x1132, 'dynamic_dst_disabled_field_missing'],
  [0x1133, 'vc_decoding_error'],
  [0x1134, 'virtual_desktop_too_large'],
  [0x1135, 'monitor_geometry_validation_failed'],
  [0x1136, 'invalid_monitor_count'],
  [0x1191, 'update_session_key_failed'],
  [0x1192, 'decrypt_failed'],
  [0x1193, 'encrypt_failed'],
  [0x1194, 'encryption_package_mismatch'],
  [0x1195, 'decrypt_failed_2'],
  [0x1196, 'peer_disconnected'],
]);
