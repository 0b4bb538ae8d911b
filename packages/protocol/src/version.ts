/** The WebSocket subprotocol that both sides speak. */
export const subprotocol = 'hookbox.v1'
