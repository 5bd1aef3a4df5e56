// What an authenticator app does with the letters that the page shows (RFC 4648 base32, RFC 6238).
import { createHmac } from 'node:crypto';

const kLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const kStepSeconds = 30;

function decodeBase32(text) {
  let bits = '';
  for (const letter of text.replace(/[\s=]/g, '').toUpperCase()) {
    const value = kLetters.indexOf(letter);
    if (value < 0) {
      throw new Error(`"${letter}" stands in no secret of an authenticator app`);
    }
    bits += value.toString(2).padStart(5, '0');
  }
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}

export function totpCode(secret, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', decodeBase32(secret)).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** The app of one account: never shows a code of a step that it showed before. */
export class Authenticator {
  constructor(secret) {
    this.secret = secret;
    this.last = 0;
  }

  /** A code of this step, or of the next one when this one's was used: the server takes both. */
  next() {
    this.last = Math.max(Math.floor(Date.now() / 1000 / kStepSeconds), this.last + 1);
    return totpCode(this.secret, this.last);
  }
}
