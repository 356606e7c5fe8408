"""Sentences of other languages than English: words of Faker's lists in any order, which is enough to tell what is ordinary there, and names between
them. Words by hand for languages that have no list, and German nouns, which have capitals without being names."""
import importlib

LISTS = {"cs": "cs_CZ", "da": "da_DK", "de": "de_DE", "el": "el_GR", "es": "es_ES", "fr": "fr_FR", "it": "it_IT", "nl": "nl_NL", "pl": "pl_PL", "ru": "ru_RU", "uk": "uk_UA"}
MORE = {
    "de": """der die das ein eine und oder aber mit ohne für von aus bei nach zu zum zur im in am an auf über unter ist sind war hat haben wird werden kann können soll bitte danke hallo nicht
        auch noch schon sehr ich du er sie wir ihr mein dein sein unser euer dies dieser diese welche was wer wie wo wann warum schreibe erstelle fasse übersetze erkläre prüfe sende
        Rechnung Wohnung Vertrag Kunde Kundin Kunden Betrag Empfänger Absender Tabelle Spalte Spalten Datum Bericht Zusammenfassung Anwendung Fehler Server Passwort Nachricht Anfrage Antwort
        Bestellung Lieferung Versicherung Konto Überweisung Mitarbeiter Abteilung Termin Besprechung Protokoll Unterlagen Anhang Schreiben Brief Frage Fragen Lösung Aufgabe Projekt Angebot Preis
        Kosten Steuer Gehalt Urlaub Kündigung Bewerbung Lebenslauf Zeugnis Schule Arbeit Haus Garten Straße Stadt Land Wetter Klimawandel Wirtschaft Politik Gesetz Gericht Anwalt Arzt Ärztin
        Krankenhaus Patient Behandlung Diagnose Medikament Bildschirm Tastatur Drucker Datei Ordner Ergebnis Beispiel Übersicht Ziel Grund Problem Teil Seite Absatz Text Satz Wort Wörter
        Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag Januar Februar März Mai Juni Juli Oktober Dezember Guten Morgen Tag Abend Liebe Lieber Sehr Geehrte Damen Herren""",
    "fr": """le la les un une des et ou mais avec sans pour de du dans sur sous est sont était il elle nous vous je tu mon ton son notre votre ce cette ces quel quelle qui que quoi bonjour merci
        voici résumez écrivez traduisez expliquez rédigez envoyez veuillez voudrais facture commande rapport réunion client contrat lundi mardi mercredi jeudi vendredi janvier mars madame monsieur""",
    "es": """el la los las un una y o pero con sin para de del en por es son era hay yo tú usted nosotros mi tu su nuestro este esta qué quién cómo cuándo hola gracias escribe resume traduce explica
        redacta envía quiero necesito ayuda factura pedido informe reunión cliente contrato lunes martes miércoles jueves viernes enero febrero marzo señor señora estimado""",
    "it": """il lo la gli le un una e o ma con senza per di del della in su da è sono era io tu lei noi voi mio tuo suo nostro questo questa che chi come quando ciao grazie scrivi riassumi traduci
        spiega invia vorrei fattura ordine rapporto riunione cliente contratto lunedì martedì giovedì venerdì gennaio marzo signor signora gentile""",
    "nl": """de het een en of maar met zonder voor van in op aan bij is zijn was ik jij hij zij wij mijn jouw ons deze dit wat wie hoe wanneer hallo bedankt schrijf vertaal leg stuur graag factuur
        bestelling verslag vergadering klant overeenkomst maandag dinsdag woensdag januari maart mevrouw meneer geachte voorbeeld""",
    "pt": """o a os as um uma e ou mas com sem para de do da dos das em no na por é são era há eu você ele ela nós meu seu nosso este esta que quem como quando olá obrigado obrigada escreva resuma
        traduza explique envie quero preciso ajuda fatura pedido relatório reunião cliente contrato conta segunda terça quarta janeiro março senhor senhora não mais muito hoje ontem amanhã""",
    "sv": """en ett och eller men med utan för av från till i på hos är var har kan ska jag du han hon vi ni min din sin vår detta denna vad vem hur när hej tack skriv sammanfatta översätt förklara
        skicka faktura beställning rapport möte kund avtal måndag tisdag onsdag januari mars herr fru inte också mycket idag igår""",
    "no": """en et og eller men med uten for av fra til i på hos er var har kan skal jeg du han hun vi dere min din sin vår dette denne hva hvem hvordan når hei takk skriv oppsummer oversett forklar
        send faktura bestilling rapport møte kunde avtale mandag tirsdag onsdag ikke også mye""",
    "fi": """ja tai mutta kanssa ilman varten on oli ovat minä sinä hän me te minun sinun hänen tämä mikä kuka miten milloin hei kiitos kirjoita tiivistä käännä selitä lähetä lasku tilaus raportti
        kokous asiakas sopimus maanantai tiistai ei myös paljon tänään""",
    "hu": """a az egy és vagy de nélkül van volt én te ő mi ti enyém ez mi ki hogyan mikor szia köszönöm írj foglald fordítsd magyarázd küldd számla rendelés jelentés ülés ügyfél szerződés hétfő kedd nem is nagyon ma""",
    "ro": """și sau dar cu fără pentru de din la în pe este sunt era eu tu el ea noi voi meu tău acest ce cine cum când bună mulțumesc scrie rezumă tradu explică trimite factură comandă raport ședință client contract luni marți nu foarte""",
    "tr": """ve veya ama ile için bir bu şu ben sen o biz siz benim senin ne kim nasıl merhaba teşekkürler yaz özetle çevir açıkla gönder fatura sipariş rapor toplantı müşteri sözleşme pazartesi salı değil çok bugün""",
    "pl": """proszę napisz streść przetłumacz wyjaśnij wyślij faktura zamówienie raport spotkanie klient umowa poniedziałek wtorek styczeń pan pani dziękuję dzień dobry""",
}
JOINTS = {
    "de": {"P": ["von", "mit", "für", "an", "und", "Frau", "Herr", "Herrn", "Dr."], "L": ["in", "aus", "nach", "bei"], "O": ["bei", "von", "der"]},
    "fr": {"P": ["de", "avec", "pour", "et", "Madame", "Monsieur", "M."], "L": ["à", "de", "vers"], "O": ["chez", "de"]},
    "es": {"P": ["de", "con", "para", "y", "señor", "señora", "Sra."], "L": ["en", "de", "a"], "O": ["en", "de"]},
    "it": {"P": ["di", "con", "per", "e", "signor", "signora"], "L": ["a", "di", "da"], "O": ["presso", "di"]},
    "nl": {"P": ["van", "met", "voor", "en", "mevrouw", "meneer"], "L": ["in", "uit", "naar"], "O": ["bij", "van"]},
    "pt": {"P": ["de", "com", "para", "e", "senhor", "senhora"], "L": ["em", "de", "para"], "O": ["na", "da"]},
    "sv": {"P": ["av", "med", "till", "och", "herr", "fru"], "L": ["i", "från", "till"], "O": ["hos", "från"]},
}
PLAIN_JOINTS = {"P": [""], "L": [""], "O": [""]}


def words():
    """the words by language, in their own case"""
    found = {}
    for language, locale in LISTS.items():
        listed = importlib.import_module("faker.providers.lorem." + locale).Provider.word_list
        found[language] = [w for w in listed if w.isalpha()]
    for language, text in MORE.items():
        # By hand are the commonest: they stand more often.
        found[language] = found.get(language, []) + text.split() * (4 if language in LISTS else 1)
    return found
