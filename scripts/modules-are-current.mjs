// Exits with 0 when node_modules matches package-lock.json, with 1 when `npm ci` is needed. Plain Node.js: it runs
// before anything is installed.

import { readFileSync } from 'node:fs';

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return {};
  }
}

const installed = packagesOf('node_modules/.package-lock.json');
const wanted = Object.entries(packagesOf('package-lock.json')).filter(([path]) => path !== '');

// an optional package may be for another platform, and absent
const stale = wanted.find(([path, { version, optional }]) => {
  const present = installed[path]?.version;
  return present === undefined ? !optional : present !== version;
});

process.exit(stale === undefined ? 0 : 1);
