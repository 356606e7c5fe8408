// Prints the person names of @faker-js/faker (MIT) by locale as JSON. Usage: node names.mjs PATH/TO/faker/dist/index.js
import path from "node:path";
import { pathToFileURL } from "node:url";

const { allLocales } = await import(pathToFileURL(path.resolve(process.argv[2])));
const flat = (list) => {
  if (!list) return [];
  const all = Array.isArray(list) ? list : Object.values(list).flat();
  return all.filter((name) => typeof name === "string");
};
const out = {};
for (const locale of Object.keys(allLocales).sort()) {
  const person = allLocales[locale].person ?? {};
  out[locale] = { first: flat(person.first_name), last: flat(person.last_name) };
}
console.log(JSON.stringify(out));
