"""Sentences of our own with slots, written for this corpus. `{person}`, `{given}`, `{family}`, `{place}`, `{city}`, `{country}`,
`{address}`, `{org}` are labelled; the others are filled with what is no name."""

SENTENCES = r"""
{family} and {family} won the {noun}.
We have three children: {given}, {given} and {given}.
Her sons {given} and {given} play the {noun}.
It was {family} who broke the {noun}, says {family}.
"{Word} {word} {word}," says {family}.
{given} told {given} that {given} was {adj}.
{given} gave {given} her {noun}.
When will {given} be back? And {family}?
The {family} {noun} is {adj}, unlike the {family} {noun}.
The {family} family owns a {noun} in {city}.
the {noun} by {person} is {adj}
The {noun} of {person}'s {noun} is {adj}.
The {noun}s of {family} and of {family} differ.
She met {family} in {year} at the {noun}.
Where is {given}? In {city}.
{given} is getting {adj}.
{given} has been {adj} for {num} days.
{given} will {word} the {noun} on {day}.
Have you seen {given} or {given}?
Between {city} and {city} the {noun} was {adj}.
{country} against {country} ended {num}:{num}.
The {noun} went from {country} to {country}.
Welcome to {city}!
{city} is where I {word}.
Turn left into {street}, then right into {street}.
In {year}, {org} opened a {noun} in {city}.
At {org} we {word} {noun}s.
Meeting with {org} about the {noun}.
{org} and {org} merged in {year}.
The {noun} of {org} at {address}
{email} belongs to {person}
Pay {person} to {iban4} before {day}.
Card {card} of {person} expired.
Hi, I'm {person}.
Hi, I'm {person} from {org}.
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
{given}'s {noun} was lost in {city}.
{person}'s {noun} is on the table.
Is {given} coming to the {noun}?
Did {person} pay the {noun}?
Tell {given} that the {noun} is ready.
Please ask {person} to sign the {noun}.
Please contact {person} at {phone} or {email}.
Please contact our {job}, {person}, by {day}.
Call {given} on {phone}.
The {noun} was written by {person} in {year}.
The {noun} is for {person}, who was born in {place} on {date}.
According to {person}, the {noun} was {adj}.
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
Reminder: {person} has an appointment on {date}.
Patient {person} was seen on {date} in {city}.
Patient: {person}, DOB {date}, MRN {id}
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
Q: Where were you born? A: {place}
User: {person}
what's the weather in {place}?
What is the weather like in {place} today?
How far is {city} from {city}?
How do I get from {city} to {city} by train?
Book a flight from {city} to {city} on {date}.
Book me a hotel in {city} for {num} nights.
I was born in {place}.
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
Branches in {city}, {city} and {city} stay closed on {day}.
We ship to {country}, {country} and {country}.
The package was sent to {address}
The package was sent to {address}.
The flowers go to {address} before {time}.
Please deliver to: {address}
Ship to:\n{person}\n{address}
Shipping address: {address}
The shop on {street} is closed.
There was an accident on {street} in {city}.
Visit us at {address}
Come to {address}, we are open until {time}.
The house at {address} was sold for {money}.
Pick up at {address}, drop off at {address}.
Name: {person}\nCompany: {org}\nCity: {city}\nCountry: {country}
{address}
{place}
{person}
{org} announced a {adj} {noun} on {day}.
{org} has bought {org} for {money}.
{org} reported a loss of {money} in {year}.
{org} is hiring a {job} in {city}.
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
A spokesman for {org} said the {noun} was {adj}.
Thank you for calling {org}, my name is {given}.
The {nation} {job} {person} won the {noun} in {city}.
The {nation} team lost in {city}.
{given} loves {nation} food.
In {month} {year}, {person} moved to {place}.
In {year} {person} published a {noun} about {place}.
After the {noun}, {given} went home to {city}.
While {given} was in {city}, the {noun} was {adj}.
As {person} explained, the {noun} is {adj}.
{person} called {num} times.
{person} has a {noun}.
{person} paid {money} with card {card}
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
{given}: can we talk about the {noun}?
cc {given}
I'm meeting {given} at {time}.
The {noun} in {city} {postcode} is {adj}.
She lives near {street}.
She works at the {city} {place_noun}.
The {city} {place_noun} is {adj}.
The train to {city} leaves at {time}.
directions to {address}
Where is {address}?
{city}: {noun} is {adj}
{city} - {date} - The {noun} is {adj}, {person} said.
({city}) {person} won.
{family}, {given} ({year}): The {adj} {noun}. {city}: {org}.
{person} vs. {person}, {num}:{num}
{person} beat {person} in {city} on {day}.
{family} and {family} share the lead after {num} rounds of the {noun}.
The shortlist has {family}, {family} and {family} on it; {family} withdrew.
Room {num} goes to {given}, {given} and {given} for the night.
Minutes of {date}: apologies from {person}, {person} and {family}.
The garden was planted by {family} together with {family} in {year}.
"{Word} {word}," whispered {given}, and {given} laughed.
"We {word} it twice," {given} admitted later.
{given} leaned over to {given} and said that the {noun} was {adj}.
Nobody knew whether {given} would {word} again.
For the badge at reception, my name is {person}, with one guest.
Sorry for the mix-up this morning, my name is {person} and the room was booked for {num} nights.
I forgot to introduce myself, my name is {given}, I sit next to the printer.
Most colleagues shorten it to {given}, but the passport says {person}.
Her nickname at school was {given}.
They christened the baby {given}; the twins are {given} and {given}.
Whoever printed the ticket wrote {person} where it ought to read {person}.
The lease is made out to {person} alone.
After the wedding she signs as {person}.
It has to say {person} on the envelope, otherwise the {noun} is returned.
A portrait by {family} hangs beside two by {family}.
The {family} report recommends a {adj} {noun}.
The trial of {family} opens on {day} before judge {family}.
The {family} brothers run a bakery in {city}.
The play was staged by {person}, with {person} in the main part.
{family} trained as a {job} and retired in {year}.
{family} succeeded {family} as {job} in {year}.
The lecture by {title} {family} starts at {time}.
Cartoons drawn by {person} and letters from {given} fill the drawer.
Stop teasing {given}; {given} did nothing wrong.
Poor {given}, the {noun} was {adj} again.
Good morning {given}, did the {noun} arrive?
{given}, when you have a minute, look over the {noun}.
Ping {given} when the {noun} turns {adj}.
{given} just dropped off the {noun}
ok {given}, see you {day}
Bye {given}, say hello to {given}!
{given} (front desk): the {noun} is {adj}
{given} [{time}] {word} {word} {word}
<{given}> anyone tried the {adj} {noun}?
{country} sent {num} athletes, {country} only {num}.
Ferries to {country} were cancelled because of the wind.
Visitors from {country} need a {noun} since {month}.
Exports from {country} to {country} fell by {num} percent.
The embassy of {country} in {city} stays shut on {day}.
Snow closed the pass between {city} and {city} on {day}.
A summer in {country} would do us good.
Two of the crew were from {country}, one from {city}.
Tram {num} runs along {street} every {num} minutes.
Roadworks on {street} from {day}, detour through {street}.
Parking is allowed in {street} after {time}.
The pharmacy beside {street} has the {noun} in stock.
The plaque in {street} names {person}, who built it in {year}.
Valuation of the property {address}, prepared for {person}.
Occupant: {title} {family}, {address}
{org} runs {num} clinics in {place} and one in {city}.
{org} insures ships; {org} insures houses.
Since {year}, {org} has belonged to {org}.
The auditors of {org} refused to sign in {month}.
{org} lost the tender for the {noun} to {org}.
Strikes at {org} enter their {num}th day.
After {num} months with {org} he handed in his notice and joined {org}.
Her first post was at {org}, then came {org} and a {adj} {noun} in {city}.
Interns at {org} get a {noun} and lunch.
The prize for the {adj} {noun} went to {person} of {org}.
Volunteers from {org} cleaned the banks of the river near {city}.
The {org} choir sings on {day} in {city}.
{org} pays for the {noun}, {org} for the rest.
Regulators fined {org} {money} over its {noun}s.
{org} recalls {num} {noun}s sold in {country}
Our supplier {org} raised prices again.
Both {org} and {org} declined to comment.
On its home page {org} calls the {noun} {adj}.
The fair has stands of {org}, {org} and {org}.
Lunch with people from {org}, then the train to {city}.
Reach the caretaker: {person} / {phone} / {email}
Please wire the deposit to {org}, account {iban4}
For years {person} has lived in {place} with two dogs.
The parents of {given} live in a village near {city}.
{person} now lives at {address} with {given}.
Registered as living at {address} since {year}: {person}, {person}.
Until the flood the {family} family lived at {address}.
Last {month} {person} left {city} for {city}.
A recruiter, {person}, wants to know if I would leave {city}.
Is {person} the right person to ask about the {noun}?
Which school did {person} go to?
"{word} {word}," {family} added, "and nothing else."
Aged {num}, {given} still swims in the lake at {city}.
{given} turns {num} in {month}; {given} bakes the cake.
Triage note: {person}, {num}, fell from a {noun}, pain in the left {noun}.
Discharge letter for {title} {person}, ward {num}, {date}
Compose a condolence note to {person}; mention {given}.
Turn these notes on {person} of {org} into a {noun}.
Make a travel plan for {given} and {given}: {city}, {city}, then {city}.
Who signed for the parcel? That was {person}, at {time}.
Caller gave the name {person} and hung up.
Witness statement of {person}, born {date}, resident of {city}.
In {month} a delegation leaves for {country}.
As a child I spent the holidays in {place}; these days I stay in {place}.
The family emigrated to {place} around {year}.
Her accent is from {place}.
Courier note: left with the neighbour at {address}, signed {given}
Could the sofa go to {address} rather than to the shop?
The spare keys are kept at {address}, second drawer.
From {date} on, letters reach us at {address} only.
We have left the old flat; mail goes to {address} now.
The registered seat of {org} is {address}.
Head office: {org}, {address}
Branch of {org}, {address}, open until {time}
You find the workshop at {address}, behind the church.
The tasting is at {address}, starting {time}; bring a {noun}.
The two cars collided where {street} meets {street}.
Our first flat was on {street}, above a bakery.
Sender:\n{person}\n{address}\n\nParcel {id}
{org}\n{address}\n\n{date}\n\nSubject: {noun} {id}
{person}\n{address}\n\nDear {title} {family},
{org}, attn. {person}, {address}
{person}\n{job}\n{org}\nTel. {phone}
Yours ever,\n{person}\n{city}, {day}
Applicant: {person}\nBorn: {date} in {city}\nResident at: {address}
Tel.: {phone}\nMail: {email}\nPost: {address}
Payee {person}, reference {id}, {money}
The board of {org} sits in {city}, its plants are in {country}.
My sister got a job with {org} last {month}.
In spring I started at {org}, on the {adj} team.
Before that I drove trucks for {org}.
The two engineers from {org} fixed the {noun}.
In {place} the {noun}s are {adj} all year.
Mail for the cabin goes to {city} {postcode}.
Stuck at the {noun} in {city}, back by {time}
The {city} {place_noun} called: {person} left a {noun} there.
From {month} {title} {family} covers the {city} {place_noun} as well.
Surgeons at the {city} {place_noun} operated on {person} for {num} hours.
{person} writes from {city} that the {noun} is {adj}.
Next {month} {given} leaves for {city} to study.
The plumber came to {address} and nobody opened.
Between jobs she helped out at {org}.
Send {money} back to {person}, the {noun} was {adj}.
Could you prepare a counter-offer that {org} can make to {person}?
Group {I}: {person}, {person}, {person}; group {I}: {person}, {person}
Finish: 1. {person} {num}:{num} 2. {person} {num}:{num} 3. {person} {num}:{num}
{person} (born {date} in {city}, died {year} in {city}), {job}
The manuscript mentions a {given} of {city} and his brother {given}.
Interpreter for {person}: {nation}.
Defence counsel {person} objected; {family} overruled it.
The goalkeeper {family} saved from {family} in minute {num}.
Lead vocals {person}, drums {given} {family}, recorded in {city}.
Thesis by {person}, supervised by {title} {family}, {org}
Next of kin: {person} ({phone})
Emergency contact is her aunt {person} in {city}.
Left a voicemail for {person}; {given} will retry on {day}.
Escalated to {person} after {num} failed {noun}s.
Handover from {given} to {given}: the {noun} is {adj}, watch the {noun}.
Shift plan: {given} early, {given} late, {given} off
Whether {city} or {city} hosts the {noun} is decided in {month}.
A storm off {place} sank {num} boats.
Vineyards around {city} had a {adj} year.
Property tax in {place} rises in {year}.
Candidates: {person} ({city}), {person} ({city})
Picture credits: {person}, {org}
Text and drawings: {person}
Translated from the {nation} by {person}
Present ({num}): {given}, {given}, {given} and {given}.
Crew of {num}: {given}, {given}, {given}, {family}
Finalists are {given}, {given}, {given}, {given} and {given}.
Surname? {family}. First name? {given}.
Who is calling, please? {person}
And you are? {person}.
Which town are you calling from? {city}
Say my surname slowly: {family}, like the painter.
{given} lent {given} her {noun}.
{family} owed {family} {money}.
{given} handed {given} the keys of {address}.
Were {family} and {family} ever {adj}?
{family} and {family} drew maps; {family} sold them.
Write a limerick about {person}.
Write a poem for {given} who turns {num}.
Tell me three facts about {person}.
Who was {person}, and why is there a street named after him in {city}?
Compare {person} with {person} in two sentences.
Explain what {person} did for the {noun}.
Recommend a restaurant in {city} that {given} would like.
What should {given} and I do in {city} on {day}?
Give me the history of {city} in a paragraph.
Which is older, {city} or {city}?
Is {org} a good employer?
What does {org} sell?
Prepare me for an interview at {org}.
I applied at {org} and at {org}, neither has answered.
{given} paints, {given} cooks, {given} {word}s.
{given}? {word} {word}.
Hi, this is {person}, the {noun} in room {num} is {adj}.
""".strip().split("\n")

# Whole texts in lower case: only where words before say that a name follows.
LOWER = r"""
{given}, {given} and {given} went to {city}
{given} and {given} are {adj}
{person} is my {job}
{person} called about the {noun}
talk to {given} about the {noun}
i met {person} in {city}
{given} gave {given} the {noun}
the {noun} of {person} is {adj}
mr {family} will call {given}
{address}
this is {person} from {org}
the flowers go to {address}
please ship it to {address}
city: {city}
i was born in {city}
we are moving from {city} to {city}
what is the weather in {city}
dear {person}
thanks, {given}
customer {person} asked for a {noun}
{person} works at {org}
morning, my name is {person} and i booked the {noun} for {day}
for the list: my name is {given}, plus two kids
they named the puppy {given}
the lease is signed by {person}
remind me to ring {person} about the {noun}
put {person} down for the {noun} on {day}
the parcel is for {person}, the flat is at {address}
the flat is at {address}, ring twice
from {month} on letters go to {address}
grandma has a house near {city}
two tickets to {city} and back
{person} has lived near {city} since {year}
we left {city} in {month} and stayed with {given}
{person}\n{address}\nthe bell is broken
{org} has its plant near {city}
started with {org} in {month}
a week in {country} with {given} and {given}
greetings from {city}, {given}
this is {given} from the garage, the {noun} is {adj}
kids stayed at home in {city}
recipient: {person}
deliver to: {address}
billed to {person}, {address}
{given} [{time}] {word} {word}
ok {given}, see you {day}
dr {family} moved the appointment to {day}
ask {given} for the {noun}
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
        "night porter", "Account Manager", "Sales Manager", "Customer Support", "Chief Operating Officer", "Staff Engineer", "Crane operator", "Chief Cook"]
TITLES = ["Mr.", "Mrs.", "Ms.", "Dr.", "Mr", "Mrs", "Ms", "Dr", "Miss", "Prof.", "Professor", "Sir", "Herr", "Frau", "Señor", "Señora", "Monsieur", "Madame",
          "Signor", "Rev.", "Captain", "Judge", "Senator", "President", "Doctor", "Sra.", "Sr.", "Mme", "Dame", "Lord", "Lady", "Sgt.", "Lt.", "Detective"]
NATIONS = ["German", "French", "English", "Spanish", "Italian", "Dutch", "Swedish", "Norwegian", "Danish", "Finnish", "Polish", "Czech", "Greek", "Turkish",
           "Russian", "Chinese", "Japanese", "Korean", "Indian", "American", "Canadian", "Mexican", "Brazilian", "Australian", "British", "Irish", "Scottish",
           "Portuguese", "Hungarian", "Romanian", "Ukrainian", "Egyptian", "Nigerian", "Kenyan", "Thai", "Vietnamese", "Arabic", "Latin", "European", "Asian",
           "African", "Swiss", "Austrian", "Belgian", "Icelandic", "Greenlander", "Serbian", "Croatian", "Slovak", "Estonian", "Christian", "Muslim", "Jewish", "Hindu", "Buddhist", "Catholic"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
