/** How many slots a cluster has. */
export const slotCount = 16_384

/** The slot of what is tagged so, as Redis reckons it: CRC-16 (XMODEM) of what stands between the braces. */
export function slotOf(tag: string): number {
  let crc = 0
  for (const byte of Buffer.from(tag.slice(1, -1))) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  }
  return crc % slotCount
}
