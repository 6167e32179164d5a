// The rendered files of the container for several settings, as a mail administrator would review them. A scenario is a
// folder with its input: the UCI file `mailserver` (default: the shipped one), `bridge.json` if the bridge already
// exists, `custom/` as in the data folder; and with the output. A file equal to its template, or to the one of scenario
// `default`, is only a line in `files`, since it is reviewed there. After an intended change: UPDATE_GOLDEN=1 bun test
// test/golden, then review the git diff.

import { describe, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { networkFacts } from '../../src/appliance/apply/desired.ts';
import { renderTable } from '../../src/appliance/container/inet-table.ts';
import { renderLxcConfig } from '../../src/appliance/container/lxc-config.ts';
import { type BridgePresent, planNetwork } from '../../src/appliance/container/network.ts';
import { renderFilter } from '../../src/appliance/container/veth-filter.ts';
import { appliancePaths } from '../../src/appliance/paths.ts';
import { type RenderedFile, renderFiles } from '../../src/appliance/render/render.ts';
import { templates } from '../../src/appliance/render/templates.ts';
import { checkSettings } from '../../src/appliance/settings/check-settings.ts';
import type { Settings } from '../../src/appliance/settings/settings.ts';

const SHIPPED = join(import.meta.dir, '../../files/etc/config/mailserver');
const NO_BRIDGE: BridgePresent = {
  ...{ exists: false, ours: false, mtu: null, vlans: null },
  ...{ addresses: [], addresses6: [] },
};
const RESULTS = ['files', 'host', 'rootfs'];

const MACHINE = 'b08dfa6083e7567a1921a715000001fb';

type Tree = Record<string, string>;

/** Texts by path below the folder; empty if the folder does not exist. */
function readTree(folder: string): Tree {
  if (!existsSync(folder)) return {};
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => statSync(join(folder, path)).isFile()).sort();
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

function readSettings(folder: string): Settings {
  const own = join(folder, 'mailserver');
  const file = existsSync(own) ? own : SHIPPED;
  const { settings, problems } = checkSettings(readFileSync(file, 'utf8'), file);
  if (settings === null) throw new Error(problems.map(({ message }) => message).join('\n'));
  return settings;
}

function readBridge(folder: string): BridgePresent {
  const file = join(folder, 'bridge.json');
  return existsSync(file) ? { ...NO_BRIDGE, ...JSON.parse(readFileSync(file, 'utf8')) } : NO_BRIDGE;
}

interface Rendered {
  readonly files: readonly RenderedFile[];
  readonly host: Tree;
}

function render(folder: string): Rendered {
  const settings = readSettings(folder);
  const paths = appliancePaths(settings);
  const bridge = readBridge(folder);
  const network = planNetwork(settings, bridge, MACHINE);
  const facts = {
    ...networkFacts(network, bridge.ours ? [] : bridge.addresses),
    probePassword: 'not-a-real-password',
    webAddress: null,
    srs: { signing: 'not-a-real-secret', former: null },
  };
  const custom = readTree(join(folder, 'custom'));
  const cgroup = { version: 2, memory: true, pids: true } as const;
  const seccomp = join(paths.container, 'seccomp');
  return {
    files: renderFiles({ settings, facts, templates, custom }),
    host: {
      'host/lxc.config': renderLxcConfig({ settings, paths, network, cgroup, seccomp }),
      'host/nftables': renderTable(settings.main.container, network),
      'host/nftables-veth': renderFilter(settings.main.container, network),
    },
  };
}

type Origin = 'rendered' | 'as its template' | 'as in default';

/** The checked-in files of a scenario. `reference` has the texts that are checked in elsewhere. */
function resultsOf({ files, host }: Rendered, reference: ReadonlyMap<string, string>): Tree {
  const originOf = ({ file, text }: RenderedFile): Origin => {
    if (text === templates[file.path]) return 'as its template';
    return text === reference.get(file.path) ? 'as in default' : 'rendered';
  };
  const describe = (one: RenderedFile) => {
    const { path, mode, owner, group } = one.file;
    const permissions = mode.toString(8).padStart(4, '0');
    return `${permissions} ${owner}:${group ?? owner} ${path}  (${originOf(one)})\n`;
  };
  const own = files.filter((one) => originOf(one) === 'rendered');
  return {
    files: files.map(describe).join(''),
    ...host,
    ...Object.fromEntries(own.map(({ file, text }) => [`rootfs${file.path}`, text])),
  };
}

function writeResults(folder: string, files: Tree): void {
  for (const name of RESULTS) rmSync(join(folder, name), { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const readResults = (folder: string): Tree =>
  Object.fromEntries(
    Object.entries(readTree(folder)).filter(([path]) => RESULTS.includes(path.split('/')[0] ?? '')),
  );

const scenarios = readdirSync(import.meta.dir, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

const DEFAULT = join(import.meta.dir, 'default');
const reference = new Map(render(DEFAULT).files.map(({ file, text }) => [file.path, text]));

describe('the scenario', () => {
  test.each(scenarios)('%s renders to the checked-in files', (scenario) => {
    const folder = join(import.meta.dir, scenario);
    const elsewhere = folder === DEFAULT ? new Map<string, string>() : reference;
    const rendered = resultsOf(render(folder), elsewhere);
    if (process.env.UPDATE_GOLDEN === '1') writeResults(folder, rendered);
    const golden = readResults(folder);
    expect(Object.keys(rendered).sort()).toEqual(Object.keys(golden).sort());
    for (const [path, text] of Object.entries(rendered)) {
      expect({ path, text }).toEqual({ path, text: golden[path] ?? '' });
    }
  });
});
