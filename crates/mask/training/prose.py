"""Sentences of our own with slots, written for this corpus. `{person}`, `{given}`, `{family}`, `{place}`, `{city}`, `{country}`,
`{address}`, `{org}` are labelled; the others are filled with what is no name."""

SENTENCES = r"""
{family} and {family} were {adj} {job}s.
{family} and {family} won the {noun}.
{family}, {family} and {family} founded the company.
They are {family}, {family} and {family}.
The founders are {given}, {given} and {given}.
We have three children: {given}, {given} and {given}.
Her sons {given} and {given} play the {noun}.
It was {family} who broke the {noun}, says {family}.
"{Word} {word} {word}," says {family}.
"{Word} {word}!" shouted {given}.
{given} asked {given}: "{Word} {word} {word}?"
{given} shouted at {given}: "{Word} {word}!"
{given}: "{Word} {word} {word}?"
{given} told {given} that {given} was {adj}.
{given} gave {given} her {noun}.
Why is {given} so {adj}?
When will {given} be back? And {family}?
Everyone calls me {given}.
People call him {given}, his full name is {person}.
Please change my name to {person}
The name on the {noun} should be {person}, not {person}.
The account is in the name of {person}.
I would like to change the name on my card to {person}.
The {family} {noun} is {adj}, unlike the {family} {noun}.
The {given} {family} version of the {noun} is {adj}.
The {family} family owns a {noun} in {city}.
the {noun} by {person} is {adj}
a film directed by {person} and starring {family}
{family} began as a {job}, then moved to {city}.
{family} later became {job}.
{family} spent {num} years in {city} with {family}.
But {given} just has to {word} it.
For more on {family}, see the {noun}.
Songs about {given} and {given}, written by {person}.
The {noun} of {person}'s {noun} is {adj}.
The {noun}s of {family} and of {family} differ.
She met {family} in {year} at the {noun}.
Don't {word}, {given}!
Where is {given}? In {city}.
{given} is getting {adj}.
{given} has been {adj} for {num} days.
{given} will {word} the {noun} on {day}.
Have you seen {given} or {given}?
Between {city} and {city} the {noun} was {adj}.
{country} was {adj} to visit.
{country} is moving in that direction.
I'm glad that {country} is {adj}.
{country} against {country} ended {num}:{num}.
I am {nation} but I live in {country}.
The {noun} went from {country} to {country}.
Welcome to {city}!
{city} is where I {word}.
He was injured in {country}, but {given} is {adj}.
The bus stops at {street}.
The {noun} is on {street}
Turn left into {street}, then right into {street}.
{title} {family}, {address}
{org} is a {adj} company in {city}.
{org} is a {nation} bank.
{org} was founded in {year}.
{org} is the {noun} of our {num} founders.
In {year}, {org} opened a {noun} in {city}.
During the {noun}, {org} lost {money}.
After a year at {org}, she went to {org}.
He spent two years at {org} in {city}, later part of {org}.
{person} of {org} was named {job} of the year.
{org} supports {noun}s from around the world.
The {org} {noun} was founded in {year}.
The mission of {org} is to {word} {word} {noun}s.
Looking for a {noun} to support {org} in {city}.
Experienced {job} who wants to join {org}.
The big names are {org}, {org} and {org}.
Founded in {city}, {org} makes {noun}s.
At {org} we {word} {noun}s.
Meeting with {org} about the {noun}.
The website of {org} says the {noun} is {adj}.
{org} and {org} merged in {year}.
The {noun} of {org} at {address}
We meet {day} at {org}, {address}
{email} belongs to {person}
{person}, {email}, {phone}
Pay {person} to {iban4} before {day}.
The invoice of {org} was paid to {iban4}.
Card {card} of {person} expired.
{person} lives in {place}.
{person} lives at {address}.
{person} lives at {address}, next to the school.
{person} moved from {city} to {city} last {day}.
My name is {person} and I live in {place}.
my name is {person}
my name is {person}, i need help with my {noun}
Hi, I'm {person}.
Hi, I'm {person} from {org}.
Hello {given},
Hi {given}, could you send me the {noun} before {day}?
Dear {title} {family},
Dear {person}, thank you for your {noun}.
Thanks, {given}
Thanks {given}!
Best regards, {person}
Kind regards,\n{person}\n{job}, {org}
Regards,\n{person}
{person} wrote:
On {day}, {person} wrote:
{person} <{email}> wrote:
From: {person} <{email}>
To: {person} <{email}>, {person} <{email}>
Cc: {person}
{title} {family} will call you on {day}.
{title} {person} is the new {job} of {org}.
{title} {family} of {city} bought a {noun}.
I spoke to {person} about the {noun} and {person} agreed.
I met {person} and {person} in {city}.
{person}, {person} and {person} were present.
{given} and {given} got married in {city}.
{given} is {num} years old and works as a {job}.
{given}'s {noun} was lost in {city}.
{person}'s {noun} is on the table.
Is {given} coming to the {noun}?
Did {person} pay the {noun}?
Where does {person} live?
Who is {person}?
Tell {given} that the {noun} is ready.
Please ask {person} to sign the {noun}.
Please contact {person} at {phone} or {email}.
Please contact our {job}, {person}, by {day}.
Call {given} on {phone}.
The {noun} was written by {person} in {year}.
The {noun} is for {person}, who was born in {place} on {date}.
According to {person}, the {noun} was {adj}.
"{word} {word} {word}," said {person}.
"It is {adj}," {person} told reporters in {city}.
{person} said that the {noun} is {adj}.
{family} said the {noun} would be {adj}.
{family} was born in {city}, {country}.
{person} was born on {date} in {city}.
{person} ({year}-{year}) was a {nation} {job}.
{person} joined {org} in {year}.
{person} works for {org} in {city}.
{person} works at {org}.
{person} is a {job} at {org}.
{person}, {job} at {org}, said on {day} that the {noun} is {adj}.
{person} has been {job} of {org} since {year}.
Can you write a letter to {person} at {address}?
Write a {noun} for {person} who worked at {org} in {city}.
Translate this for {given}: the {noun} is {adj}.
Summarise the call with {person} of {org}.
Reminder: {person} has an appointment on {date}.
Patient {person} was seen on {date} in {city}.
Patient: {person}, DOB {date}, MRN {id}
The patient, {person}, is a {num}-year-old {job} from {place}.
The defendant {family} and the witness {person} appeared in {city}.
Attendees: {person}, {person}, {person}
Assigned to {person}
Assignee: {person}
Reviewed-by: {person} <{email}>
Author: {person} <{email}>
Signed-off-by: {person} <{email}>
Ticket {id} was opened by {person} on {date}.
Ticket {id}: {person} cannot log in from {city}
User {person} reported that the {noun} is {adj}.
Customer {person} ({email}) asks for a {noun}.
Agent: How can I help? Customer: I am {person}, my {noun} is {adj}.
Agent: What is your name? Customer: {person}
Agent: And your address? Customer: {address}
Q: Where were you born? A: {place}
User: {person}
what's the weather in {place}?
What is the weather like in {place} today?
How far is {city} from {city}?
How do I get from {city} to {city} by train?
Book a flight from {city} to {city} on {date}.
Book me a hotel in {city} for {num} nights.
I am flying to {country} in {month}.
We are travelling to {place} in {month}.
I was born in {place}.
I grew up in {place} but now I live in {place}.
They moved to {place} in {year}.
She comes from {place}.
He went to {place} with {given}.
Is it cold in {place}?
I love {place}!
Greetings from {place}
Anyone from {place} here?
{place} is beautiful in {month}.
{city} is the largest city in {country}.
{country} and {country} signed a treaty in {year}.
The president of {country} visited {place} on {day}.
The mayor of {city} opened the {noun}.
The {noun} in {place} was closed on {day}.
The {noun} took place in {city}, {year}.
Our office in {city} is closed in {month}.
Our offices are in {city}, {city} and {city}.
We ship to {country}, {country} and {country}.
The package was sent to {address}
The package was sent to {address}.
Send it to {address}, please.
Please send the {noun} to {address}
Please deliver to: {address}
Ship to:\n{person}\n{address}
Billing address:\n{person}\n{address}
Shipping address: {address}
My address is {address}.
my new address is {address}
My address has changed: {address}. Please update it.
The address of {org} is {address}.
The office is at {address}.
We meet at {address} on {day} at {time}.
Meet me at {address}
Meet me at the corner of {street} and {street}.
The shop on {street} is closed.
There was an accident on {street} in {city}.
I used to live on {street}.
Visit us at {address}
Come to {address}, we are open until {time}.
The house at {address} was sold for {money}.
Pick up at {address}, drop off at {address}.
{person}\n{address}
{org}\n{address}
{person}\n{job}\n{org}\n{address}
{person}\n{city}\n{country}
{org}, {address}
Name: {person}\nAddress: {address}\nPhone: {phone}
Name: {person}\nCompany: {org}\nCity: {city}\nCountry: {country}
Phone: {phone}\n\nE-mail:\n{email}\n\nAddress:\n{address}
{address}
{place}
{person}
{person}, {city}
{org} is based in {city}.
{org} announced a {adj} {noun} on {day}.
{org} has bought {org} for {money}.
{org} reported a loss of {money} in {year}.
{org} is hiring a {job} in {city}.
I work for {org}
I work at {org} as a {job}.
I used to be a {job} at {org}.
I have an account with {org}.
My employer is {org}.
My insurance is with {org}.
The invoice from {org} is {adj}.
Invoice to {org}, {address}
The contract between {org} and {org} ends in {month}.
Shares of {org} rose by {num} percent.
{person} studied at {org} in {city}.
{person} founded {org} with {person} in {year}.
The {noun} was made by {org}.
She is from {org}.
{given} is from {org}.
A spokesman for {org} said the {noun} was {adj}.
Thank you for calling {org}, my name is {given}.
Meet us on {day} at {org}, {address}
Draft an offer from {org} to {person}.
The {nation} {job} {person} won the {noun} in {city}.
The {nation} team lost in {city}.
{given} loves {nation} food.
In {place} they have {adj} {noun}s.
In {month} {year}, {person} moved to {place}.
In {year} {person} published a {noun} about {place}.
After the {noun}, {given} went home to {city}.
While {given} was in {city}, the {noun} was {adj}.
As {person} explained, the {noun} is {adj}.
{person} is {num} years old.
{person} called {num} times.
{person} has a {noun}.
{person} paid {money} with card {card}
Refund {money} to {person}.
Transfer {money} to {person}, IBAN {iban}
The account of {person} at {org} is {id}.
Passenger {person}, flight {id}, {city} to {city}
Guest: {person} / Room {num}
Driver {person}, licence {id}
Delivered to {person} at {time}
Student {person} got {num} points.
Professor {family} teaches in {city}.
Coach {family} blamed {family}.
Judge {person} ruled on {day}.
Officer {family} stopped a {noun} on {street}.
Mr and Mrs {family} live at {address}.
the Smith-like family of {given} {family} lives near {city}
Uncle {given} and aunt {given} are visiting from {country}.
My brother {given} lives in {city}, my sister {given} in {country}.
My wife {given} and I are moving to {city}.
my boss {given} is {adj}
My {noun} {given} is {adj}.
{given}, {given} and I went to {city}
{given}: {word} {word} {word}?
{given}: can we talk about the {noun}?
@{given} please look at the {noun}
cc {given}
I'm meeting {given} at {time}.
I'm in {city}, at the {noun}
I live in {city} {postcode}
The {noun} in {city} {postcode} is {adj}.
She lives near {street}.
I will see {person} at the {city} {place_noun}.
She works at the {city} {place_noun}.
The {city} {place_noun} is {adj}.
{title} {family} moved from the {city} {place_noun} to the {city} {place_noun}.
The train to {city} leaves at {time}.
I am {person} from {city} and my {noun} is {adj}.
I am {given} from {city}, the {noun} is {adj}.
{person} is moving to {city} next {day}.
She moved to {city} last {day}.
New address: {address}
They left the {noun} at {address}. Call me.
she worked at {org} in {city}.
directions to {address}
Where is {address}?
{city}: {noun} is {adj}
{city} - {date} - The {noun} is {adj}, {person} said.
({city}) {person} won.
{family}, {given} ({year}): The {adj} {noun}. {city}: {org}.
{person} vs. {person}, {num}:{num}
{person} beat {person} in {city} on {day}.
""".strip().split("\n")

# Whole texts in lower case: only where words before say that a name follows.
LOWER = r"""
{given}, {given} and {given} went to {city}
{given} and {given} are {adj}
everyone calls me {given}
the name on the account is {person}
{person} is my {job}
{person} called about the {noun}
follow up with {person} on {day}
talk to {given} about the {noun}
i met {person} in {city}
{given}: {word} {word} {word}?
{given} lives on {street}
{given} gave {given} the {noun}
the {noun} of {person} is {adj}
i live at {address}
my new address is {address}
the office is at {address}
{person} lives in {country}
mr {family} will call {given}
{address}
{person}\n{address}
{org} is based in {city}
i work for {org}
we are flying to {country}
my name is {person}
hi my name is {person} and i live in {city}
i am {person} from {city}
this is {person} from {org}
{person} lives at {address}
{person} lives in {city}
please send the parcel to {address}
my address is {address}
please ship it to {address}
can i change my address to {address}?
please call {person} at {phone}
name: {person}
address: {address}
city: {city}
i live in {city}
i was born in {city}
we are moving from {city} to {city}
what is the weather in {city}
dear {person}
thanks, {given}
customer {person} asked for a {noun}
{person} works at {org}
""".strip().split("\n")

# Keys and headings, labelled values behind them.
KEYS = {
    "person": ["name", "full_name", "fullName", "customer_name", "customerName", "contact", "contact_name", "owner", "author", "recipient", "patient",
               "patient_name", "employee", "account_holder", "accountHolder", "cardholder", "cardholder_name", "beneficiary", "passenger", "guest_name",
               "display_name", "displayName", "holder", "tenant_name", "emergency_contact", "manager", "assignee", "reporter", "signed_by", "to_name", "from_name"],
    "given": ["first_name", "firstName", "first", "firstname", "given_name", "givenName", "fname", "nickname", "vorname", "prenom", "nombre", "middle_name"],
    "family": ["last_name", "lastName", "last", "lastname", "surname", "family_name", "familyName", "lname", "nachname", "nom", "apellido", "maiden_name"],
    "city": ["city", "town", "birthplace", "place_of_birth", "destination", "origin", "ville", "stadt", "ort", "ciudad", "location", "departure_city"],
    "country": ["country", "country_name", "nationality_country", "land", "pays", "location", "region"],
    "address": ["address", "street_address", "home_address", "billing_address", "shipping_address", "addr", "address1", "adresse", "direccion", "location", "deliver_to", "mailing_address"],
    "street": ["street", "address_line_1", "addressLine1", "street_name", "line1", "strasse", "rue"],
    "org": ["company", "employer", "organization", "organisation", "org", "company_name", "companyName", "vendor", "supplier", "bank", "school", "hospital", "client", "customer_company"],
}
# Keys whose values are no names, however they look.
PLAIN_KEYS = ["status", "level", "type", "kind", "model", "product", "title", "subject", "plan", "event", "env", "role", "state", "category", "label", "message",
              "priority", "method", "format", "language", "currency", "version", "tag", "branch", "service", "queue", "color", "size", "mode", "host", "class",
              "department", "severity", "error", "file_name", "filename", "hostname", "event_name", "product_name", "project_name", "table_name", "column_name",
              "model_name", "service_name", "display", "theme", "font", "unit", "action", "tool", "function", "tool_name", "key", "timezone", "component"]

JOBS = ["engineer", "nurse", "teacher", "manager", "designer", "accountant", "lawyer", "doctor", "clerk", "driver", "chef", "plumber", "analyst", "director",
        "CEO", "CTO", "CFO", "Head of Sales", "Vice President", "Software Engineer", "Project Manager", "consultant", "author", "singer", "actor", "painter",
        "keynote speaker", "Account Manager", "Sales Manager", "Customer Support", "Chief Operating Officer", "Staff Engineer", "Local bus driver", "Tower controller"]
TITLES = ["Mr.", "Mrs.", "Ms.", "Dr.", "Mr", "Mrs", "Ms", "Dr", "Miss", "Prof.", "Professor", "Sir", "Herr", "Frau", "Señor", "Señora", "Monsieur", "Madame",
          "Signor", "Rev.", "Captain", "Judge", "Senator", "President", "Doctor", "Sra.", "Sr.", "Mme", "Dame", "Lord", "Lady", "Sgt.", "Lt.", "Detective"]
NATIONS = ["German", "French", "English", "Spanish", "Italian", "Dutch", "Swedish", "Norwegian", "Danish", "Finnish", "Polish", "Czech", "Greek", "Turkish",
           "Russian", "Chinese", "Japanese", "Korean", "Indian", "American", "Canadian", "Mexican", "Brazilian", "Australian", "British", "Irish", "Scottish",
           "Portuguese", "Hungarian", "Romanian", "Ukrainian", "Egyptian", "Nigerian", "Kenyan", "Thai", "Vietnamese", "Arabic", "Latin", "European", "Asian",
           "African", "Swiss", "Austrian", "Belgian", "Icelandic", "Greenlander", "Serbian", "Croatian", "Slovak", "Estonian", "Christian", "Muslim", "Jewish", "Hindu", "Buddhist", "Catholic"]
PRODUCTS = ["Python", "Java", "Rust", "Kubernetes", "Docker", "Linux", "Windows", "Postgres", "PostgreSQL", "MySQL", "Redis", "Kafka", "Excel", "Word", "PowerPoint",
            "Outlook", "Teams", "Slack", "Zoom", "GitHub", "GitLab", "Jira", "Confluence", "Terraform", "Ansible", "Jenkins", "React", "Angular", "Vue", "Django",
            "Flask", "Spring Boot", "Node", "TypeScript", "JavaScript", "Android", "iOS", "Chrome", "Firefox", "Safari", "Edge", "Photoshop", "Bitcoin", "Ethereum",
            "ChatGPT", "Claude", "Gemini", "Llama", "Mistral", "GPT-4", "Google", "Microsoft", "Amazon", "Apple", "Azure", "AWS", "Lambda", "Oracle", "Salesforce",
            "Markdown", "YAML", "JSON", "HTML", "Swift", "Kotlin", "Julia", "Ruby", "Perl", "Pascal", "Ada", "Haskell", "Erlang", "Elixir", "Scala", "Go", "Celsius",
            "Fahrenheit", "Newton", "Gaussian", "Fourier", "Bayes", "Markov", "Dijkstra", "Fibonacci", "Turing", "Euler", "Pythagoras", "Hilbert", "Poisson", "Bernoulli",
            "Hello World", "Unicode", "UTF-8", "Base64", "Monte Carlo", "Big Mac", "Black Friday", "Christmas", "Easter", "Halloween", "Ramadan", "Thanksgiving",
            "New Year", "World War II", "Bluetooth", "Wi-Fi", "Internet", "Earth", "Mars", "Venus", "Jupiter", "Sun", "Moon", "Milky Way", "English", "God", "Bible"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

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
I'll turn {num}. I've {num} left. I'd {word} it. He'll {word}. She's {adj}.
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
i just turned {num}
pod/{word}-{hex} is running in namespace kube-system
{email} asked for the {noun}
send it to {email} by {day}
iban {iban4}
{iban4}
{email},{num},{word}
card {card} is {adj}
The {noun} was paid to {iban4}.
| {Word} | {WORD} | {Word} | {WORD} |
| {Word} | {ABB} | {Word} {ABB} |
{Word}: {ABB}, {ABB} and {ABB}
The {ABB} and the {ABB} are {adj}.
What is an {ABB}? Use the {ABB} for the {noun}.
{ABB} {ABB} {ABB}
{Word} {ABB} {num}: {word}
C'mon, it's {adj}! Who'd say it wasn't? That's {adj}. You're {adj}. We've {word}.
The {num}s are {adj}. You're not {adj}!
Only {Word} can {word} a {noun} - The {Word} {Word}.
Is {Word} {word}? Are {Word}s {adj}? Does {Word} {word}?
{Word}'s {noun} is {adj}
> {Word} {word} {word}
> - {Word}: {word}
* {Word} {word} {word}
1) {Word} {word} 2) {Word} {word}
{day}, {month} {num}: {Heading}
The {Word} Orchestra played the {Word} Symphony.
She read "The {Word} {Word}" and "{Heading}".
See {Heading} and {Heading} by {day}.
The {nation} {noun} is {adj}.
Explain {product} to a beginner.
How do I install {product} on {product}?
What is the difference between {product} and {product}?
Write a {product} function that sorts a {noun}.
{product} {version} was released on {date}.
Upgrade {product} from {version} to {version}.
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
INSERT INTO {noun}s ({word}, {word}) VALUES ('{Word}', {num});
CREATE TABLE {noun} (id BIGINT PRIMARY KEY, {word} TEXT NOT NULL);
GET /{word}/{num}?{word}={word} HTTP/1.1
Content-Type: application/json; charset=UTF-8
User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36
Accept-Language: en-US,en;q=0.5
Cache-Control: no-cache, Keep-Alive: timeout={num}
Last-Modified: {day}, {num} Jan {year} {time} GMT
    at {Word}{Word}.{word}{Word}({Word}{Word}.java:{num})
    at Object.{word} (webpack:///./src/{word}.ts:{num}:{num})
Traceback (most recent call last): File "{word}.py", line {num}, in {word}
{Word}Error: {word} '{word}' has no attribute '{word}'
public class {Word}{Word} extends {Word}{Word} implements {Word} {
const {Word} = require('{word}'); export default {Word};
fn {word}_{word}(x: &str) -> Result<{Word}, {Word}Error> { Ok({Word}::new(x)) }
impl {Word} for {Word}{Word} { type Item = {Word}; }
use std::collections::{HashMap, BTreeMap}; let map: HashMap<String, Vec<u8>> = HashMap::new();
if (x == null) { throw new {Word}Exception("{Word} {word}"); }
return new Response(JSON.stringify({ {word}: {Word} }));
import {Word}, { {Word}, {Word}{Word} } from "@{word}/{word}";
1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 4. Ba4 Nf6 5. O-O Be7 6. Re1 b5 7. Bb3 d6
{num}. Nf3 Nc6 {num}. Bc4 Bc5 {num}. Qh5 Nf6 {num}. Kxe2 Rd8
The chess game began with the Sicilian Defence and the Queen's Gambit.
The opening is called the Ruy Lopez; White plays Bishop b5.
ISBN 978-{num}-{num}-{num}-1, {num} pages
Order {ID} contains {num} units of SKU {id}-{I}.
Part number {ID}, reel {num}, resistor {num}R, capacitor {num}uF
sha256-{hash}
sha512-{hash}==
{"id":"{hex}","object":"{word}.{word}","created":{num}}
commit {hex}\nMerge branch '{word}/{num}' into {word}
commit {hex}\nMerge pull request #{num} from {word}/{word}
{Word} {word} ({word} {num})
The {Word} Act of {year} and the {Word} Amendment
Photosynthesis, Mitochondria and Homo sapiens are biology terms.
Vitamin {I}, Type {I} diabetes and Covid-{num}
The experiment shows {num} mg of sodium, {num} ml of water and {num} grams of {word}.
The {noun} grew from {num},{num} to {num},{num} over the {noun}, a rise of {num}.{num} percent.
Set the {noun} to {num}s and {word}_{word} to {num}.
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
{year}-0{d}-1{d}T{time}Z INFO {Word}{Word} - {Word} {word} {word} in {num} ms
[{year}-0{d}-1{d} {time}] WARN {word}.{word}: {Word} {word}
[INFO] {Word} {word} {word}
level=warn msg="{Word} {word}" {word}={num}
export {WORD}_{WORD}={word}
{WORD}_{WORD}={num} make {word}
kubectl get pods -n {word} | grep {word}-{hex}
docker run --rm -it {word}/{word}:{version}
\frac{{num}}{{num}} \approx 0.{num}
Theorem {num}. Let X be a {word} {noun}. Then Y is {adj}. Proof. By Lemma {num}, Q.E.D.
Question {num}: {Word} {word} {word}? A) {Word} B) {Word} C) {Word} D) None of the above
Step {num}: {Word} the {noun}. Step {num}: {Word} it.
Q{d} {year} {Heading} Report
The {Word} {Word} is {adj}, the {Word} is not.
My brother just turned {num}
I just turned {num}
I need a new {noun}, can you help?
Can I get a {noun} for my {noun}?
I've lost my {noun}, what should I do?
You should {word} the {noun}. We can {word} it. They will not.
Yes, please. No, thanks. OK. Sure! Great. Sorry, I don't understand.
What is your name? What's your address? How old are you?
What time is it? When is the {noun}? Why is it {adj}?
You are a helpful assistant. Answer in {nation}.
Act as a {job} and write a {noun}.
Translate the following text from {nation} to {nation}.
Is there a {nation} restaurant nearby?
The {nation} and {nation} {noun}s were {adj}.
Introductory {Word}: {WORD} and {WORD} {word}, sections {I}{d}, {I}{d} and {I}{d}.
Bot: How can I help you? User: I lost my {noun}.
Customer: Hello. Agent: Good morning, how can I help?
I'd like to order a Large Margherita Pizza with a Diet Coke.
Happy Birthday! Merry Christmas and a Happy New Year!
The Lord of the Rings, Star Wars and Game of Thrones are {adj}.
The {Word} of the {Word} is a {adj} film.
""".strip().split("\n")
