// Debian's Chromium with an empty profile. Certificates, CSP and every other check stay on.
import path from 'node:path';
import { chromium } from 'playwright-core';
import { makeCertificateStore } from './trust.js';

export const kSizes = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
};
export const kPatience = 60_000; // ms: for a machine that compiles at the same time; nothing is measured

/** A browser that trusts `authorities`; `folder` becomes its home. */
export async function startChromium(folder, authorities) {
  await makeCertificateStore(path.join(folder, '.pki', 'nssdb'), authorities);
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: path.join(folder, 'config'), XDG_DATA_HOME: '' },
    headless: true,
    timeout: kPatience,
    // As root, which CI is, Chromium's own sandbox does not start (--no-sandbox). It keeps a page from the machine, and
    // has no say in certificates, policies or what a page may do in the browser.
    chromiumSandbox: process.getuid() !== 0,
    args: ['--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}
