"""Texts and words without any name: what looks like one."""

FOODS = ["Basil", "Rosemary", "Sage", "Ginger", "Olive", "Saffron", "Parsley", "Thyme", "Mint", "Garlic", "Onion", "Pepper", "Paprika", "Cumin", "Cinnamon", "Vanilla", "Honey",
         "Butter", "Parmesan", "Mozzarella", "Cheddar", "Gouda", "Brie", "Feta", "Tofu", "Miso", "Ramen", "Risotto", "Gnocchi", "Pesto", "Salsa", "Tahini", "Hummus", "Quinoa",
         "Merlot", "Riesling", "Chardonnay", "Espresso", "Latte", "Matcha", "Apple", "Peach", "Plum", "Cherry", "Clementine", "Fig", "Lime", "Almond", "Hazel", "Walnut"]

STYLES = ["Gothic", "Baroque", "Rococo", "Cubism", "Impressionism", "Bauhaus", "Brutalism", "Romanticism", "Realism", "Dada", "Fauvism", "Pop Art", "Art Deco", "Jazz", "Techno", "Reggae",
          "Bronze Age", "Iron Age", "Enlightenment", "Reformation", "Modernism", "Stoicism", "Marxism", "Taoism", "Yoga", "Pilates", "Judo", "Karate", "Flamenco", "Tango", "Waltz"]

PRODUCTS = ["Vite", "Vercel", "Netlify", "Tailwind", "Svelte", "Nuxt", "Astro", "Remix", "Deno", "Bun", "Electron", "Tauri", "Flutter", "Dart", "Ionic", "Laravel", "Symfony", "Rails",
            "Sinatra", "Phoenix", "FastAPI", "Pydantic", "Pandas", "Polars", "Spark", "Hadoop", "Airflow", "Dagster", "Snowflake", "Databricks", "Tableau", "Looker", "Grafana", "Prometheus",
            "Loki", "Jaeger", "Istio", "Envoy", "Consul", "Vault", "Nomad", "Pulumi", "Chef", "Puppet", "Vagrant", "Travis", "Sentry", "Datadog", "Splunk", "Kibana", "Elasticsearch", "Logstash",
            "Cassandra", "MongoDB", "Neo4j", "Dgraph", "Supabase", "Firebase", "Heroku", "Cloudflare", "Fastly", "Akamai", "Stripe", "Twilio", "Shopify", "Magento", "WordPress", "Drupal",
            "Figma", "Sketch", "Canva", "Notion", "Trello", "Asana", "Miro", "Obsidian", "Emacs", "Vim", "Sublime", "Eclipse", "IntelliJ", "Xcode", "Selenium", "Cypress", "Playwright", "Jest",
            "Mocha", "Jasmine", "Karma", "Maven", "Gradle", "Bazel", "Webpack", "Babel", "Gulp", "Lodash", "Axios", "Redux", "Zustand", "Vuex", "Prisma", "Hibernate", "Celery", "Flink",
            "Whisper", "Stable Diffusion", "Midjourney", "Copilot", "Perplexity", "Cohere", "Mixtral", "Falcon", "Gemma", "Qwen", "Phi", "Bard", "Alexa", "Siri", "Cortana", "Bixby",
            "Raspberry Pi", "Arduino", "Quicksort", "Mergesort", "Bloom", "Huffman", "Merkle", "Raft", "Paxos", "Kerberos", "Diffie-Hellman", "Flexbox", "Grid", "Lighthouse", "Storybook","Python", "Java", "Rust", "Kubernetes", "Docker", "Linux", "Windows", "Postgres", "PostgreSQL", "MySQL", "Redis", "Kafka", "Excel", "Word", "PowerPoint",
            "Outlook", "Teams", "Slack", "Zoom", "GitHub", "GitLab", "Jira", "Confluence", "Terraform", "Ansible", "Jenkins", "React", "Angular", "Vue", "Django",
            "Flask", "Spring Boot", "Node", "TypeScript", "JavaScript", "Android", "iOS", "Chrome", "Firefox", "Safari", "Edge", "Photoshop", "Bitcoin", "Ethereum",
            "ChatGPT", "Claude", "Gemini", "Llama", "Mistral", "GPT-4", "Google", "Microsoft", "Amazon", "Apple", "Azure", "AWS", "Lambda", "Oracle", "Salesforce",
            "Markdown", "YAML", "JSON", "HTML", "Swift", "Kotlin", "Ruby", "Perl", "Pascal", "Haskell", "Erlang", "Elixir", "Scala", "Go", "Celsius",
            "Fahrenheit", "Newton", "Gaussian", "Fourier", "Bayes", "Markov", "Dijkstra", "Fibonacci", "Turing", "Euler", "Pythagoras", "Hilbert", "Poisson", "Bernoulli",
            "Hello World", "Unicode", "UTF-8", "Base64", "Monte Carlo", "Big Mac", "Black Friday", "Christmas", "Easter", "Halloween", "Ramadan", "Thanksgiving",
            "New Year", "World War II", "Bluetooth", "Wi-Fi", "Internet", "Earth", "Mars", "Venus", "Jupiter", "Sun", "Moon", "Milky Way", "English", "God", "Bible"]

COMMANDS = ["apt", "awk", "brew", "cargo", "chmod", "conda", "cp", "crontab", "curl", "dnf", "ffmpeg", "find", "gcloud", "git", "grep", "gunicorn", "helm", "htop",
            "journalctl", "jq", "kubectl", "ls", "make", "mkdir", "mvn", "mysql", "nginx", "nohup", "npm", "npx", "openssl", "pip", "pnpm", "podman", "psql", "pytest",
            "rg", "rsync", "rustc", "scp", "sed", "ssh", "systemctl", "tar", "tee", "terraform", "tmux", "uvicorn", "vim", "wget", "xargs", "yarn", "zsh"]

CONTRACTIONS = ["I'm", "I've", "I'd", "Don't", "Can't", "Won't", "Let's", "It's", "That's", "What's", "Who's", "Where'd", "How's", "They'd", "Y'all", "Ma'am", "G'day",
                "D'you", "S'pose", "O'clock", "C'mon", "Ain't", "Didn't", "Shouldn't", "You've", "We'll", "There's", "Here's", "Couldn't", "Who'll", "Isn't", "Doesn't"]

# Sentences without any name: what looks like one.
BENIGN = r"""
{Camel}::{word}({Camel}) -> Option<{Camel}>
The {Camel} type implements {Camel} and {Camel}.
use {Camel} instead of {Camel}, see {Camel}Builder
{Coined} is a library for {word} {noun}s.
{Coined} is a {noun} written in {product}.
The {Coined} crate depends on {Coined} {version}.
The {Coined} protocol and the {Coined} cipher are {adj}.
Install {Coined} {version} with {word} install {word}.
Use {Coined} to {word} the {noun}, or {Coined} if it is {adj}.
{Coined} and {Coined} curves are {adj}
[{Coined}]({word}.md)
- {Coined}: {word} the {noun}
{Algo} and {Algo} are supported; {Algo} is not.
Signatures use {Algo} over {Algo}.
{num} KiB p50, {num} MiB, {num} GB of RAM, {num} MHz, {num} kWh, {num} USD
At {num} requests a second it takes {num} ms for {num} KB
Eq, Ord, PartialEq and Hash; Ok, Err, Some, None
The {ABB}s and {ABB}s of {ABB} {num} are {adj}
{ABB} {num}-{d} Level {d}, {ABB} LTS, {ABB} {version}
Licensed under either of Apache License, Version 2.0 or MIT license
Unlicense, BSD-3-Clause, MPL-2.0 and ISC licenses
Intel and AMD processors, ARM Cortex, NVIDIA cards
Ubuntu 24.04, Debian 12, Fedora 40, Alpine, Arch Linux, macOS, Windows Server
{Word}ed {Word} {ABB}: {Camel}
how do i {word} the {noun} in {word}?
can you {word} the {noun}? thanks for {word}
thanks for the {noun}, it is {adj}
hi, the {noun} is {adj} in {word}
call {word}_{word}() to {word} the {noun}
is {word} {adj}? at {num} in the {word}
what is the {noun} of {noun}? from {word} to {word}
run pytest in tmux, then rsync to localhost
install numpy from pypi to virtualenv
connect to postgres at localhost with psql
in python is numpy by default
{word} is {adj} in {word} by {noun}
pod/{word}-{hex} is running in namespace kube-system
{iban4}
| {Word} | {WORD} | {Word} | {WORD} |
| {Word} | {ABB} | {Word} {ABB} |
{Word}: {ABB}, {ABB} and {ABB}
The {ABB} and the {ABB} are {adj}.
What is an {ABB}? Use the {ABB} for the {noun}.
{ABB} {ABB} {ABB}
{Word} {ABB} {num}: {word}
Is {Word} {word}? Are {Word}s {adj}? Does {Word} {word}?
{Word}'s {noun} is {adj}
> {Word} {word} {word}
> - {Word}: {word}
* {Word} {word} {word}
1) {Word} {word} 2) {Word} {word}
{day}, {month} {num}: {Heading}
She read "The {Word} {Word}" and "{Heading}".
See {Heading} and {Heading} by {day}.
The {nation} {noun} is {adj}.
Explain {product} to a beginner.
How do I install {product} on {product}?
What is the difference between {product} and {product}?
Write a {product} function that sorts a {noun}.
{product} {version} was released on {date}.
Chapter {num}: {Heading}
{Heading}
# {Heading}
## {Heading}
{num}. {Heading}
**{Heading}**
- {Heading}: {word} {word}
{Heading} and {Heading}
Section {num}.{num} {Heading}
Table {num}: {Heading} per {Word}
Figure {num}. {Word} {word} {word} of the {noun}
{HEADING}
WARNING: {word} {word} {noun}
ERROR {Word}{Word}Exception: {word} {word} at line {num}
NOTE: {Word} {word} {word}.
TODO: {word} the {noun}
On {day}, {month} {num}, the {noun} was {adj}.
See you on {day}!
{day} {time}: {Word} {word}
Every {day} in {month} and {month} the {noun} is {adj}.
{Word} {word} {word} {word}. {Word} {word} {word}.
{Word}, {word} {word}; {Word} {word}.
{Word} {word} {noun}? {Word} {word}!
Dear Sir or Madam, the {noun} is {adj}.
Dear team, please review the {noun}.
Dear Customer Support, my {noun} is {adj}.
Hello everyone, Hello World, and Hello again.
Hi team, Hi all, Good morning, Good Evening.
Kind regards, the Support Team
Thank You For Your {Word}
To Whom It May Concern
Terms of Service, Privacy Policy, Frequently Asked Questions
SELECT {word}, {word} FROM {noun}s WHERE {word} = {num} ORDER BY {word} DESC LIMIT {num};
CREATE TABLE {noun} (id BIGINT PRIMARY KEY, {word} TEXT NOT NULL);
Content-Type: application/json; charset=UTF-8
User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36
Accept-Language: en-US,en;q=0.5
Cache-Control: no-cache, Keep-Alive: timeout={num}
Last-Modified: {day}, {num} Jan {year} {time} GMT
    at {Word}{Word}.{word}{Word}({Word}{Word}.java:{num})
Traceback (most recent call last): File "{word}.py", line {num}, in {word}
{Word}Error: {word} '{word}' has no attribute '{word}'
public class {Word}{Word} extends {Word}{Word} implements {Word} {
const {Word} = require('{word}'); export default {Word};
impl {Word} for {Word}{Word} { type Item = {Word}; }
use std::collections::{HashMap, BTreeMap}; let map: HashMap<String, Vec<u8>> = HashMap::new();
if (x == null) { throw new {Word}Exception("{Word} {word}"); }
return new Response(JSON.stringify({ {word}: {Word} }));
import {Word}, { {Word}, {Word}{Word} } from "@{word}/{word}";
sha256-{hash}
sha512-{hash}==
commit {hex}\nMerge pull request #{num} from {word}/{word}
{Word} {word} ({word} {num})
Vitamin {I}, Type {I} diabetes and Covid-{num}
{Word}: {num}% {Word}: {num} {Word}: {num}/{num}
| {Word} | {Word} | {Word} |\n|---|---|---|\n| {Word} | {num} | {word} |
{word},{word},{word}\n{Word},{num},{word}\n{Word},{num},{word}
<{word} class="{word}">{Word} {word}</{word}>
<h1>{Heading}</h1><p>{Word} {word} {word}.</p>
<button>{Word} {Word}</button>
{"level":"INFO","{word}":"{Word} {word} {word}","service":"{word}-{word}"}
{"{key}": "{Heading}", "{key}": "{Word}"}
{"{key}": "{word}", "{key}": "{word} {word}"}
{key}={word} {key}={Word} {key}={num}
{key}: {Heading}
{key}: {word} {word}
{time} | {Word}{Word} | {Word} {word} {word} | {num}us
[{year}-0{d}-1{d} {time}] WARN {word}.{word}: {Word} {word}
[INFO] {Word} {word} {word}
level=warn msg="{Word} {word}" {word}={num}
export {WORD}_{WORD}={word}
{WORD}_{WORD}={num} make {word}
docker run --rm -it {word}/{word}:{version}
Theorem {num}. Let X be a {word} {noun}. Then Y is {adj}. Proof. By Lemma {num}, Q.E.D.
Question {num}: {Word} {word} {word}? A) {Word} B) {Word} C) {Word} D) None of the above
Step {num}: {Word} the {noun}. Step {num}: {Word} it.
Q{d} {year} {Heading} Report
The {Word} {Word} is {adj}, the {Word} is not.
You should {word} the {noun}. We can {word} it. They will not.
Yes, please. No, thanks. OK. Sure! Great. Sorry, I don't understand.
What time is it? When is the {noun}? Why is it {adj}?
You are a helpful assistant. Answer in {nation}.
Act as a {job} and write a {noun}.
Translate the following text from {nation} to {nation}.
Is there a {nation} restaurant nearby?
The {nation} and {nation} {noun}s were {adj}.
Happy Birthday! Merry Christmas and a Happy New Year!
The Lord of the Rings, Star Wars and Game of Thrones are {adj}.
The {Word} of the {Word} is a {adj} film.
he is {num} now, she has {num} to go
pay by transfer, iban {iban4}, by {day}
charge it to {card} once it is {adj}
  at async {Camel}.{word} ({word}/{word}.js:{num}:{num})
{num} x {ID}, {num} x {ID}, delivery in {num} weeks
Board rev. {I}, chip {ID}, {num} MHz crystal, fuse {num}mA
Between {year} and {year} the {noun} doubled, then fell by {num}.{num} percent.
helm upgrade {word} ./{word} --set {word}.{word}={num}
\sum_{i=1}^{{num}} x_i \leq {num}
UPDATE {noun}s SET {word} = '{Word}' WHERE id = {num};
DELETE FROM {noun}s WHERE {word} IN ('{Word}', '{Word}', '{Word}');
POST /{word}/{word} 20{d} {num}ms
{"{word}":{"{word}":"{hex}","{word}":{num}},"ok":true}
{hex} {Word} {word} {word} ({word}/{word})
Appendix {I}: {WORD} {word} versus {WORD} {word}, tables {I}{d} to {I}{d}
Two espressos and a Caesar Salad for table {num}
That's {adj}, isn't it? They've {word}. It'll {word}. Let's {word}. Won't {word}.
Everything from the {num}s is {adj} again.
Bb7 Eb F#m7 G Am Cmaj7 D/F#, capo {num}
Pawn, Rook and Bishop; Ace, King and Queen of Hearts
North opens 1NT, East passes, South bids 3H
BRCA1, TP53 and EGFR are genes; IgG and TNF are not.
Ethanol {num} ml, NaCl {num} g, pH {d}.{d}, stir for {num} min
Quercus robur and Fagus sylvatica cover {num} hectares.
Gross margin Q{d} {num} percent, EBIT {num}, capex {num}
Budget FY{num}: {Heading}
reply to {email} or {email}
bcc {email}; {email}; {email}
deposit {iban4} is {adj}
The {noun} is gone. Could somebody {word} it?
Support: Please restart the {noun}. Me: Did that twice.
Assistant: Of course! User: And the {noun}?
{hex},{word},{num},{word}
pub struct {Camel}<T> { {word}: Vec<T>, {word}: Option<{Camel}> }
Migrate {product} to {version} over the weekend.
Keyboard, Mouse and Screen are billed separately.
Monday Meeting, Weekly Review, All Hands, Town Hall
Ticket Machine out of order. Use Gate {num}.
Press Enter. Click Save, then Publish. Choose File and Print.
Regulation {year}/{num}, Article {num}, Annex {I}
Preheat the oven, melt the butter, add {num} g of flour
Level {num} Wizard, Shield of {Word}, Potion of {Word}
Slide {num}: {Heading}. Speaker notes: {word} {word}.
Unit Tests, Integration Tests and Smoke Tests are {adj}.
Error Budget, Service Level and Incident Review
The Board approved the Budget; the Committee did not.
Mum and Dad are {adj}. Grandpa too.
Your Honour, the Defence rests.
Server {word}-{num} is down, {Word} {word} at {time}
$ {cmd} {word} --{word}={num} {word}-{hex}
{cmd} -{I} {word}/{word} | {cmd} {word}
{cmd} {word} {word} && {cmd} {word} -{word}
sudo {cmd} {word} {word}.{word}
{cmd}: {word}: {word} {word}
run {cmd} and then {cmd} {word}
| {Ambiguous} | {ABB} | {Ambiguous} | {Word} |
{Ambiguous}: {num}
{Ambiguous},{Ambiguous},{word},{ABB}
- {Ambiguous}
{Ambiguous} {num}, {word} {word}
{Ambiguous} {word} {word}.
{Ambiguous} and {word} {word}
{Contraction} {word} {word} {word}, {word} {word}.
{Contraction} {word}! {Contraction} {word}?
"{Contraction} {word}," {word} {word}.
{contraction} {word} {word} {contraction} {word}
Ingredients: {Food}, {Food}, {Food} and {food}
{Food} soup with {food} and {food}
Chop the {food}, add {Food} and {Food}.
{Style} gave way to {Style} in the {num}th century.
{Style} and {Style} are styles, {Style} is a period.
{product}, {product} or {product}? {product} {word}s with {product}.
We build with {product} and {product}, test with {product}, ship to {product}.
Does {product} support {product}?
{Word} {Word}, {Word} {Word}, {Word} {Word} {Word}.
{ABB}: {Word} {Word}, {Word} {Word}, {Word} {Word}
{Word} Sort, {Word} Search and {Word} Trees
Goals: {Word} {noun}s, {Word} {Word}, {Word} {Word}.
""".strip().split("\n")
