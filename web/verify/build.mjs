#!/usr/bin/env node
// Inlines src/, style.css and template.html into the one committed page, crates/app/assets/verify.html, and what checks a receipt into the one
// module that the console loads, crates/app/assets/console/proof.js.
//   node web/verify/build.mjs            writes both
//   node web/verify/build.mjs --check    fails when a committed file is not what the sources give
// Deterministic and without dependencies. Every name stays, so that who wants to know what the page does can read it; comments and indentation are left to
// src/, because a copy of the page is in every package and every page of the console that shows a proof loads the module.
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = new URL('./', import.meta.url);
const TARGET = new URL('../../crates/app/assets/verify.html', import.meta.url);
const CONSOLE_TARGET = new URL('../../crates/app/assets/console/proof.js', import.meta.url);
const ENTRY = 'src/ui.js';
const CONSOLE_ENTRY = 'src/console.js';

const IMPORT = /^import (?:\{([^}]*)\}|\* as (\w+)) from '(\.[^']+)';\n/gm;
const EXPORT = /^export (async function|function|class|const) (\w+)/gm;

/** Lines that hold a comment and nothing else. */
const COMMENT = /^ *(?:\/\/.*|\/\*\*.*\*\/|\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\n/gm;

/** A comment behind code. One that holds a quote stays: it could be text. */
const COMMENT_BEHIND = / +\/\/ [^'"`\n]*$/gm;

/** Code as it is sent: no comments, no indentation, no empty lines. No source has text that goes over several lines. */
const sent = (code) => code.replace(COMMENT, '').replace(COMMENT_BEHIND, '').replace(/^ +/gm, '').replace(/\n{2,}/g, '\n');
const ORIGIN = '// Made by web/verify/build.mjs from web/verify/src, where the comments are; change it there.\n';

const read = (path) => readFile(new URL(path, HERE), 'utf8');
const variable = (path) => `m_${path.replace(/^src\//, '').replace(/\.js$/, '').replace(/\W/g, '_')}`;

/** Turns one module into an expression that gives its exports. */
function wrap(path, source) {
  const exported = [...source.matchAll(EXPORT)].map((match) => match[2]);
  const body = source
    .replace(IMPORT, (whole, names, all, from) => {
      const target = variable(posix.join(posix.dirname(path), from));
      return all ? `const ${all} = ${target};\n` : `const {${names.replace(/ as /g, ': ')}} = ${target};\n`;
    })
    .replace(EXPORT, '$1 $2');
  if (/^\s*(import|export)\b/m.test(body)) throw new Error(`${path} has a form of import or export that build.mjs does not know`);
  return `// ${path}\nconst ${variable(path)} = (() => {\n${body}return { ${exported.join(', ')} };\n})();\n`;
}

/** All modules that `path` needs, each after those it imports. */
async function collect(path, done = new Map(), open = new Set()) {
  if (done.has(path)) return done;
  if (open.has(path)) throw new Error(`${path} imports itself through others`);
  open.add(path);
  const source = await read(path);
  for (const match of source.matchAll(IMPORT)) await collect(posix.join(posix.dirname(path), match[3]), done, open);
  done.set(path, wrap(path, source));
  return done;
}

const cspHash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** The text of the page. */
export async function buildPage() {
  const modules = await collect(ENTRY);
  const script = `\n${ORIGIN}'use strict';\n${sent([...modules.values()].join(''))}`;
  const style = `\n${(await read('style.css')).replace(/\/\*[^]*?\*\/\n?/g, '').replace(/^ +/gm, '')}`;
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) throw new Error('a source would end its own element');
  const csp = ["default-src 'none'", `script-src ${cspHash(script)}`, `style-src ${cspHash(style)}`, "base-uri 'none'", "form-action 'none'",
    "require-trusted-types-for 'script'", "trusted-types 'none'"].join('; ');
  const parts = { csp, style, script };
  return (await read('template.html')).replace(/\{\{(\w+)\}\}/g, (whole, name) => parts[name]);
}

/** The text of the module for the console: the same sources, with the one function that it is asked for. */
export async function buildModule() {
  const modules = await collect(CONSOLE_ENTRY);
  return `${ORIGIN}${sent([...modules.values()].join(''))}export const { check } = ${variable(CONSOLE_ENTRY)};\n`;
}

async function main() {
  for (const [target, build] of [[TARGET, buildPage], [CONSOLE_TARGET, buildModule]]) {
    const [text, path] = [await build(), fileURLToPath(target)];
    if (!process.argv.includes('--check')) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(target, text);
      process.stdout.write(`wrote ${text.length} characters\n`);
      continue;
    }
    const committed = await readFile(target, 'utf8').catch(() => '');
    if (committed !== text) {
      process.stderr.write(`${posix.join('crates/app/assets', path.split('/crates/app/assets/')[1])} is not what web/verify gives; run: node web/verify/build.mjs\n`);
      process.exitCode = 1;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
