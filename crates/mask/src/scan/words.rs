//! Words that say what a number is, in English and in the languages of the countries whose numbers are known. Each may say
//! several things; what else a number needs to be one is its rule's own.

use std::sync::LazyLock;

use super::topics::Topics;

pub(crate) const PHONE: Topics = Topics(1 << 0);
pub(crate) const NUMBER: Topics = Topics(1 << 1);
pub(crate) const SSN: Topics = Topics(1 << 2);
pub(crate) const TAX: Topics = Topics(1 << 3);
pub(crate) const PASSPORT: Topics = Topics(1 << 4);
pub(crate) const LICENCE: Topics = Topics(1 << 5);
pub(crate) const DRIVER: Topics = Topics(1 << 6);
pub(crate) const BANK: Topics = Topics(1 << 7);
pub(crate) const ROUTING: Topics = Topics(1 << 8);
pub(crate) const MEDICARE: Topics = Topics(1 << 9);
pub(crate) const NPI: Topics = Topics(1 << 10);
pub(crate) const DEA: Topics = Topics(1 << 11);
pub(crate) const NHS: Topics = Topics(1 << 12);
pub(crate) const NINO: Topics = Topics(1 << 13);
pub(crate) const POST: Topics = Topics(1 << 14);
pub(crate) const BIRTH: Topics = Topics(1 << 15);
pub(crate) const IP: Topics = Topics(1 << 16);
pub(crate) const MAC: Topics = Topics(1 << 17);
pub(crate) const ID: Topics = Topics(1 << 18);
pub(crate) const COMPANY: Topics = Topics(1 << 19);
pub(crate) const VERSION: Topics = Topics(1 << 20);
pub(crate) const SIN: Topics = Topics(1 << 21);
pub(crate) const ABN: Topics = Topics(1 << 22);
pub(crate) const ACN: Topics = Topics(1 << 23);
pub(crate) const TFN: Topics = Topics(1 << 24);
pub(crate) const AADHAAR: Topics = Topics(1 << 25);
pub(crate) const PAN: Topics = Topics(1 << 26);
pub(crate) const GST: Topics = Topics(1 << 27);
pub(crate) const VOTER: Topics = Topics(1 << 28);
pub(crate) const RRN: Topics = Topics(1 << 29);
pub(crate) const BRN: Topics = Topics(1 << 30);
pub(crate) const FRN: Topics = Topics(1 << 31);
pub(crate) const KOREA: Topics = Topics(1 << 32);
pub(crate) const NRIC: Topics = Topics(1 << 33);
pub(crate) const UEN: Topics = Topics(1 << 34);
pub(crate) const PESEL: Topics = Topics(1 << 35);
pub(crate) const PERSONNUMMER: Topics = Topics(1 << 36);
pub(crate) const HETU: Topics = Topics(1 << 37);
pub(crate) const BSN: Topics = Topics(1 << 38);
pub(crate) const NIR: Topics = Topics(1 << 39);
pub(crate) const AHV: Topics = Topics(1 << 40);
pub(crate) const CPF: Topics = Topics(1 << 41);
pub(crate) const CNPJ: Topics = Topics(1 << 42);
pub(crate) const CURP: Topics = Topics(1 << 43);
pub(crate) const NIE: Topics = Topics(1 << 44);
pub(crate) const NIF: Topics = Topics(1 << 45);
pub(crate) const FISCAL: Topics = Topics(1 << 46);
pub(crate) const VAT: Topics = Topics(1 << 47);
pub(crate) const STEUER: Topics = Topics(1 << 48);
pub(crate) const RVNR: Topics = Topics(1 << 49);
pub(crate) const KVNR: Topics = Topics(1 << 50);
pub(crate) const AUSWEIS: Topics = Topics(1 << 51);
pub(crate) const BSNR: Topics = Topics(1 << 52);
pub(crate) const LANR: Topics = Topics(1 << 53);
pub(crate) const NIN: Topics = Topics(1 << 54);
pub(crate) const PHTIN: Topics = Topics(1 << 55);
pub(crate) const THAI: Topics = Topics(1 << 56);
pub(crate) const TURKISH: Topics = Topics(1 << 57);
pub(crate) const ZA: Topics = Topics(1 << 58);
pub(crate) const BELGIUM: Topics = Topics(1 << 59);
pub(crate) const CHINA: Topics = Topics(1 << 60);
pub(crate) const WALLET: Topics = Topics(1 << 61);
pub(crate) const SECRET: Topics = Topics(1 << 62);
pub(crate) const CALL: Topics = Topics(1 << 63);
pub(crate) const DESK: Topics = Topics(1 << 64);

/// Lower-case words of each topic, between blanks.
const WORDS: [(Topics, &str); 65] = [
    (
        PHONE,
        "phone phones telephone tel telefon telefone telefono teléfono téléphone telefax telefoon \
         telefonnummer telepono telefonu telefonum telefonnr tlf puhelin puhelinnumero mobile mobil \
         mobilnummer mobilnr cell cellphone celular cellulare móvil movil handy handynummer gsm cep \
         fax dial whatsapp hotline helpline voicemail msisdn \
         rufnummer matkapuhelin komórka komórkowy kontakt numer landline telnr phonenumber",
    ),
    (NUMBER, "number numbers no nr num numéro numero número nummer nº numara numarası numaram registered"),
    (SSN, "ssn social security sozialversicherung ssns"),
    (TAX, "tax taxpayer tin itin steuer tva impuesto belasting individual"),
    (
        PASSPORT,
        "passport passports passeport pasaporte passaporto reisepass pass paß paspoort pasaport \
         paszport passnummer reisepassnummer travel ppt",
    ),
    (
        LICENCE,
        "license licence licenses licences licensed permit dl führerschein fuehrerschein permiso \
         patente lic ehliyet körkort",
    ),
    (DRIVER, "driver drivers driving drive dl dmv chauffeur conducir guida dlno"),
    (BANK, "account accounts acct konto kontonummer compte cuenta conto rekening"),
    (ROUTING, "routing aba rtn wire ach transit"),
    (MEDICARE, "medicare beneficiary mbi hicn cms patient"),
    (NPI, "npi provider prescriber practitioner identifier"),
    (DEA, "dea prescriber certificate registrant practitioner license licence physician medical"),
    (NHS, "nhs patient health gp"),
    (NINO, "nino national insurance ni payroll hmrc employee"),
    (
        POST,
        "address addresses postcode postcodes postal post street road avenue lane house flat london \
         from live lives living moved ship send deliver delivery addr zip resident city town",
    ),
    (
        BIRTH,
        "birth birthday birthdate born dob geboren geburtsdatum geburtstag né née naissance \
         nacimiento nascimento nascita nato nata geboortedatum födelsedatum født urodzenia doğum bday \
         birthdays nacido nacida",
    ),
    (
        IP,
        "ip ips ipv ipaddr ipaddress address addr gateway server host dns resolver ping client remote \
         subnet route loopback unspecified multicast src dst source dest destination listen bind \
         connect connecting connected endpoint prefix node",
    ),
    (MAC, "mac macs hwaddr ether ethernet hardware physical bssid wifi wlan nic macaddress"),
    (
        ID,
        "id ids identity identification identifier identité identidad identificación identificacion \
         identità identiteit identitet ident kimlik ausweis national citizen resident refugee \
         citizenship idno",
    ),
    (
        COMPANY,
        "company business organisation organization företag företaget firma entreprise empresa \
         azienda şirket bedrijf employer org orgnr organisationsnummer orgnummer supplier vendor",
    ),
    (
        VERSION,
        "version versions release build firmware upgrade upgraded v ver section chapter clause \
         paragraph oid rev revision driver",
    ),
    (SIN, "sin sins nas insurance assurance"),
    (ABN, "abn"),
    (ACN, "acn"),
    (TFN, "tfn"),
    (AADHAAR, "aadhaar aadhar adhaar uidai uid"),
    (PAN, "pan"),
    (GST, "gst gstin"),
    (VOTER, "voter vote elector epic election"),
    (RRN, "rrn korean korea resident"),
    (BRN, "brn"),
    (FRN, "frn korean korea alien foreigner"),
    (KOREA, "korea korean kr rok"),
    (NRIC, "nric fin"),
    (UEN, "uen"),
    (PESEL, "pesel"),
    (PERSONNUMMER, "personnummer pnr personal swedish samordningsnummer persnr"),
    (HETU, "hetu henkilötunnus henkilotunnus finnish personal sotu"),
    (BSN, "bsn burgerservicenummer sofinummer sofi"),
    (NIR, "nir sécurité sociale insee"),
    (AHV, "ahv avs oasi ahvnummer"),
    (CPF, "cpf"),
    (CNPJ, "cnpj"),
    (CURP, "curp"),
    (NIE, "nie extranjero"),
    (NIF, "nif dni cif fiscal tributaria"),
    (FISCAL, "codice fiscale fiscal cf"),
    (VAT, "vat iva partita piva ust ustid umsatzsteuer umsatzsteuerid mwst tva"),
    (
        STEUER,
        "steuer steueridentifikationsnummer steuerid steuernummer idnr tin identifikationsnummer \
         steuerliche",
    ),
    (
        RVNR,
        "rvnr sozialversicherungsnummer rentenversicherung rentenversicherungsnummer \
         sozialversicherungsausweis svnr versicherungsnummer",
    ),
    (
        KVNR,
        "kvnr krankenkasse krankenversicherung krankenversichertennummer egk versichertennummer \
         gesundheitskarte versicherten",
    ),
    (AUSWEIS, "ausweis personalausweis personalausweisnummer ausweisnummer perso"),
    (BSNR, "bsnr betriebsstättennummer betriebsstaettennummer betriebsstätte"),
    (LANR, "lanr arztnummer arzt"),
    (NIN, "nin nimc"),
    (PHTIN, "tin bir"),
    (THAI, "thai thailand tnin"),
    (TURKISH, "tc tckn kimlik türk turkish vatandaşlık kişi tcno"),
    (ZA, "african rsa sa"),
    (BELGIUM, "rijksregister rijksregisternummer rrn niss insz belgian"),
    (CHINA, "chinese prc shenfenzheng"),
    (WALLET, "wallet btc bitcoin eth ethereum crypto"),
    (
        SECRET,
        "password passwd pwd passphrase secret token apikey passcode credential credentials bearer \
         authorization auth accesskey secretkey accesstoken authtoken refreshtoken clientsecret \
         apitoken privatekey apisecret accountkey encryptionkey signingkey passwort contraseña \
         motdepasse senha hasło wachtwoord psk sharedaccesskey apppassword dbpassword userpassword \
         pgpassword rootpassword subscriptionkey",
    ),
    (DESK, "desk office reception switchboard portable home work direct line"),
    (
        CALL,
        "call calls called calling ring text texted sms signal message messages msg answering reach reachable \
         contact contacts registered",
    ),
];

/// Parts of scripts that put no blanks between words.
const UNSPACED: [(Topics, &str); 14] = [
    (PHONE, "電話 电话 手机 携帯 전화 휴대폰 핸드폰 โทร โทรศัพท์ 电话号码"),
    (PASSPORT, "여권 护照 護照 パスポート"),
    (KOREA, "한국 대한민국 여권"),
    (RRN, "주민등록 주민번호"),
    (FRN, "외국인등록"),
    (BRN, "사업자"),
    (LICENCE, "운전면허 驾驶证 免許証"),
    (DRIVER, "운전면허 驾驶证 免許証"),
    (THAI, "ประจำตัวประชาชน บัตรประชาชน เลขประจำตัว"),
    (CHINA, "身份证 身分證 证件号"),
    (BIRTH, "生日 出生 생년월일 วันเกิด"),
    (ID, "身份证"),
    (SECRET, "密码 비밀번호 パスワード"),
    (BANK, "계좌 账号 帐号 口座"),
];

/// Endings that add nothing: `Steuernummer` is what `Steuer` is.
const ENDINGS: [&[u8]; 8] = [b"number", b"numbers", b"nummer", b"num", b"nr", b"no", b"numarasi", b"value"];
/// Places of the table, a power of two and some four times the words. Each is a number, so that a look costs no memory.
const PLACES: usize = 4096;

/// Words and, by their hashes, the number of each plus one; the next free place takes what collides.
struct Table {
    places: Vec<u16>,
    words: Vec<(&'static str, Topics)>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { places: vec![0; PLACES], words: Vec::new() };
    for (topics, words) in WORDS {
        words.split_ascii_whitespace().for_each(|word| table.add(word, topics));
    }
    table
});

static UNSPACED_WORDS: LazyLock<Vec<(&'static str, Topics)>> = LazyLock::new(|| {
    UNSPACED.iter().flat_map(|(topics, words)| words.split(' ').map(|word| (word, *topics))).collect()
});

impl Table {
    fn add(&mut self, word: &'static str, topics: Topics) {
        let mut place = hash(word.as_bytes());
        while let Some(number) = self.places.get_mut(place % PLACES) {
            match usize::from(*number).checked_sub(1).and_then(|at| self.words.get_mut(at)) {
                Some((known, all)) if *known == word => return *all = all.or(topics),
                Some(_) => place = place.wrapping_add(1),
                None => {
                    self.words.push((word, topics));
                    return *number = u16::try_from(self.words.len()).unwrap_or(0);
                }
            }
        }
    }

    fn get(&self, word: &[u8]) -> Option<Topics> {
        let mut place = hash(word);
        loop {
            let number = usize::from(*self.places.get(place % PLACES)?);
            let (known, topics) = self.words.get(number.checked_sub(1)?)?;
            if known.as_bytes().eq_ignore_ascii_case(word) {
                return Some(*topics);
            }
            place = place.wrapping_add(1);
        }
    }
}

/// A few of its letters and its length, in lower case: words are told apart by comparison, and most are in no table.
fn hash(word: &[u8]) -> usize {
    let (Some(first), Some(last)) = (word.first(), word.last()) else { return 0 };
    let middle = word.get(word.len() / 2).unwrap_or(last);
    let letters = [*first | 0x20, *middle | 0x20, *last | 0x20, u8::try_from(word.len() & 0xff).unwrap_or(0)];
    (u32::from_le_bytes(letters).wrapping_mul(0x9e37_79b1) >> 18) as usize
}

/// What a word says, in any case, also with an ending that adds nothing.
pub(crate) fn lookup(word: &[u8]) -> Topics {
    if word.len() < 2 {
        return Topics::NONE;
    }
    if let Some(topics) = TABLE.get(word) {
        return topics;
    }
    // Only words that end as an ending does are taken apart.
    let [.., before, last] = word else { return Topics::NONE };
    let last = [before.to_ascii_lowercase(), last.to_ascii_lowercase()];
    if !matches!(&last, b"er" | b"rs" | b"um" | b"nr" | b"no" | b"si" | b"ue") {
        return Topics::NONE;
    }
    let stems = ENDINGS.iter().filter_map(|ending| {
        let (stem, end) = word.split_at_checked(word.len().checked_sub(ending.len())?)?;
        end.eq_ignore_ascii_case(ending).then_some(stem)
    });
    stems.filter(|stem| stem.len() > 1).find_map(|stem| TABLE.get(stem)).unwrap_or(Topics::NONE)
}

/// Whether a character of a script without blanks between words begins with this byte: Thai, Chinese, Japanese, Korean.
pub(crate) fn is_unspaced(first: u8) -> bool {
    matches!(first, 0xe0 | 0xe3..=0xed)
}

/// What the text here says, in such a script.
pub(crate) fn unspaced_at(text: &[u8]) -> Topics {
    let known = UNSPACED_WORDS.iter().filter(|(word, _)| text.starts_with(word.as_bytes()));
    known.fold(Topics::NONE, |all, (_, topics)| all.or(*topics))
}
