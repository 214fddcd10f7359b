"""What the guards are to find, made when it is needed: nothing here looks like a credential, so no scanner stumbles over it.

In a form, ``{w36}`` stands for 36 made-up letters and digits, ``{h}`` is hexadecimal, ``{H}`` hexadecimal in capitals, ``{u}`` URL-safe,
``{b}`` base64, ``{L}`` capitals and digits, ``{l}`` small letters and digits, ``{a}`` letters, ``{d}`` digits.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string

_ALPHABETS = {
    "w": string.ascii_letters + string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "u": string.ascii_letters + string.digits + "-_",
    "b": string.ascii_letters + string.digits + "+/",
    "L": string.ascii_uppercase + "234567",
    "l": string.ascii_lowercase + string.digits,
    "a": string.ascii_letters,
    "d": string.digits,
}
_PLACE = re.compile(r"\{([a-zA-Z])(\d+)\}")


def made(form: str) -> str:
    """The form with its places filled; the same form gives the same text."""
    chance = random.Random(form)

    def fill(place: re.Match[str]) -> str:
        size = int(place[2])
        drawn = "".join(chance.choice(_ALPHABETS[place[1]]) for _ in range(size))
        return drawn if drawn[-1] not in "-_" else drawn[:-1] + "x"

    return _PLACE.sub(fill, form)


def web_token(header: dict[str, str] | None = None) -> str:
    """A JSON Web Token."""
    parts = (header or {"alg": "HS256", "typ": "JWT"}, {"sub": "42", "name": "Ana"})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), made("{u43}")])


def key_block(kind: str = "RSA ", end: str = "\n") -> str:
    """A private key between its lines."""
    mark = "PRIVATE KEY-----"
    return f"-----BEGIN {kind}{mark}{end}" + end.join(made(f"{{b64}}{line}") for line in "abc") + f"{end}-----END {kind}{mark}"


TOKENS: dict[str, tuple[str, ...]] = {
    "adafruit_key": ("aio_{w28}",),
    "age_secret_key": ("AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE",),
    "airtable_token": ("pat{w14}.{h64}",),
    "aiven_token": ("AVNS_{u18}",),
    "alibaba_access_key": ("LTAI{w20}",),
    "anthropic_key": ("sk-ant-api03-{u93}AA", "sk-ant-admin01-{u93}AA"),
    "artifactory_token": ("AKCp8{w68}", "cmVmd{w59}"),
    "atlassian_token": ("ATATT3xFfGF0{u180}",),
    "aws_access_key_id": ("AKIA{L16}", "ASIA{L16}"),
    "aws_bedrock_key": ("ABSKQmVkcm9ja0FQSUtleS{b110}", "bedrock-api-key-{b100}"),
    "aws_mws_key": ("amzn.mws.{h8}-{h4}-{h4}-{h4}-{h12}",),
    "azure_client_secret": ("{w3}8Q~{w34}",),
    "azure_devops_token": ("{w76}AZDO{w4}",),
    "azure_key": ("{w52}JQQJ99{w26}",),
    "beamer_token": ("b_{l44}",),
    "bitbucket_token": ("ATBB{w32}",),
    "brevo_key": ("xkeysib-{h64}-{w16}",),
    "cargo_token": ("cio{w32}",),
    "clickhouse_key": ("4b1d{w38}",),
    "clojars_token": ("CLOJARS_{l60}",),
    "cloudflare_origin_key": ("v1.0-{h24}-{h146}",),
    "confluent_secret": ("cflt{b60}",),
    "contentful_token": ("CFPAT-{u43}",),
    "databricks_token": ("dapi{h32}", "dapi{h32}-2"),
    "digitalocean_token": ("dop_v1_{h64}", "dor_v1_{h64}"),
    "discord_token": ("M{w25}.{u6}.{u38}",),
    "discord_webhook": ("discord.com/api/webhooks/{d18}/{u68}",),
    "docker_token": ("dckr_pat_{u27}",),
    "doppler_token": ("dp.pt.{w43}",),
    "dropbox_token": ("sl.{u136}",),
    "duffel_token": ("duffel_live_{u43}",),
    "dynatrace_token": ("dt0c01.{L24}.{L64}",),
    "easypost_key": ("EZAK{w54}",),
    "facebook_token": ("EAAC{w160}", "{d15}|{u27}"),
    "figma_token": ("figd_{u43}",),
    "flutterwave_key": ("FLWSECK_TEST-{h32}-X",),
    "fly_token": ("fo1_{u43}",),
    "frameio_token": ("fio-u-{u64}",),
    "github_token": ("ghp_{w36}", "gho_{w36}", "github_pat_{w22}_{w59}"),
    "gitlab_token": ("glpat-{u20}", "glrt-{u20}", "glsoat-{u20}", "GR1348941{u20}"),
    "gocardless_token": ("live_{u40}",),
    "google_api_key": ("AIza{u35}",),
    "google_oauth_refresh_token": ("1//0{u60}",),
    "google_oauth_secret": ("GOCSPX-{u28}",),
    "google_oauth_token": ("ya29.{u120}",),
    "grafana_token": ("glsa_{w32}_{h8}", "glc_{b80}", "eyJrIjoi{w80}"),
    "groq_key": ("gsk_{w52}",),
    "harness_key": ("pat.{w22}.{h24}.{w20}",),
    "headrace_key": ("hr_live_{w46}",),
    "heroku_key": ("HRKU-{h8}-{h4}-{h4}-{h4}-{h12}",),
    "hubspot_token": ("pat-na1-{h8}-{h4}-{h4}-{h4}-{h12}",),
    "huggingface_token": ("hf_{a34}", "api_org_{a34}"),
    "infracost_key": ("ico-{w32}",),
    "intra42_secret": ("s-s4t2ud-{h64}",),
    "langsmith_key": ("lsv2_pt_{h32}_{h10}",),
    "launchdarkly_key": ("sdk-{h8}-{h4}-{h4}-{h4}-{h12}",),
    "linear_key": ("lin_api_{w40}",),
    "lob_key": ("live_{h35}", "test_pub_{h31}"),
    "mailchimp_key": ("{h32}-us12",),
    "mailgun_key": ("key-{h32}",),
    "mapbox_token": ("sk.{l60}.{w22}",),
    "maxmind_key": ("{w6}_{w29}_mmk",),
    "messagebird_key": ("live_{w25}",),
    "model_provider_key": ("sk-or-v1-{h64}", "sk-{h32}"),
    "netlify_token": ("nfp_{w36}",),
    "new_relic_key": ("NRAK-{L27}",),
    "notion_token": ("ntn_{d11}{w35}", "secret_{w43}"),
    "npm_token": ("npm_{w36}",),
    "nuget_key": ("oy2{l43}",),
    "nvidia_key": ("nvapi-{u64}",),
    "octopus_key": ("API-{L26}",),
    "onepassword_key": ("A3-{L6}-{L11}-{L5}-{L5}-{L5}", "A3-{L6}-{L6}-{L5}-{L5}-{L5}-{L5}"),
    "onepassword_token": ("ops_eyJ{b240}",),
    "openai_key": ("sk-proj-{u74}T3BlbkFJ{u74}", "sk-{w20}T3BlbkFJ{w20}", "sk-svcacct-{u60}"),
    "openshift_token": ("sha256~{u43}",),
    "paypal_token": ("access_token$production${l16}${h32}",),
    "perplexity_key": ("pplx-{w48}",),
    "planetscale_token": ("pscale_tkn_{u43}", "pscale_pw_{u43}"),
    "posthog_key": ("phx_{w43}",),
    "postman_key": ("PMAK-{h24}-{h34}",),
    "prefect_key": ("pnu_{l36}",),
    "pulumi_token": ("pul-{h40}",),
    "pypi_token": ("pypi-AgEIcHlwaS5vcmc{u80}",),
    "readme_key": ("rdme_{l70}",),
    "replicate_token": ("r8_{w37}",),
    "rubygems_key": ("rubygems_{h48}",),
    "scalingo_token": ("tk-us-{u48}",),
    "sendgrid_key": ("SG.{u22}.{u43}",),
    "sentry_token": ("sntryu_{h64}", "sntrys_{b80}"),
    "settlemint_token": ("sm_aat_{w16}",),
    "shippo_token": ("shippo_live_{h40}",),
    "shopify_token": ("shpat_{h32}", "shpss_{h32}"),
    "slack_token": ("xoxb-{d12}-{d13}-{w24}", "xoxe.xoxp-1-{u140}", "xapp-1-A{L10}-{d13}-{h64}"),
    "slack_webhook": ("hooks.slack.com/services/T{L10}/B{L10}/{w24}",),
    "snyk_token": ("snyk_uat.{u43}",),
    "sourcegraph_token": ("sgp_{h40}", "sgp_local_{h40}", "sgp_{h16}_{h40}"),
    "square_token": ("sq0atp-{u22}", "sq0csp-{u43}", "EAAAE{u59}"),
    "stripe_key": ("sk_live_{w24}", "rk_test_{w99}"),
    "stripe_webhook_secret": ("whsec_{b32}",),
    "supabase_token": ("sbp_{h40}",),
    "tailscale_key": ("tskey-auth-{w17}-{w32}",),
    "tavily_key": ("tvly-{u32}",),
    "teams_webhook": ("acme.webhook.office.com/webhookb2/{h8}-{h4}-{h4}-{h4}-{h12}@{h8}-{h4}-{h4}-{h4}-{h12}/IncomingWebhook/{h32}",),
    "telegram_token": ("{d10}:AA{u33}",),
    "tencent_secret_id": ("AKID{w32}",),
    "terraform_token": ("{w14}.atlasv1.{w67}",),
    "twilio_key": ("SK{h32}",),
    "twitter_bearer_token": ("AAAAAAAAAAAAAAAAAAAAA{w90}",),
    "typeform_token": ("tfp_{u59}",),
    "vault_token": ("hvs.{u90}", "hvb.{u120}"),
    "voyage_key": ("pa-{u43}",),
    "xai_key": ("xai-{w80}",),
    "yandex_key": ("AQVN{u36}", "YCM{u37}"),
    "yandex_token": ("t1.A{u60}.{u86}",),
}
"""By kind, the forms that issuers give out."""
STARTS_LATER = {"teams_webhook": ".webhook.office.com"}
"""Kinds of which not the whole form is the match."""

TOKENS["json_web_token"] = ("ZXlKaGJHY2lPaU{b80}",)
NAMED: tuple[tuple[str, str, str], ...] = (
    ("azure_storage_key", "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=%s;EndpointSuffix=core", "{b86}=="),
    ("azure_storage_key", "Endpoint=sb://acme.servicebus/;SharedAccessKey=%s", "{b43}="),
    ("azure_signature", "https://acme.blob.core/x?sv=2022-11-02&sig=%s", "{w43}%3D"),
    ("gitlab_session", "Cookie: _gitlab_session=%s; path=/", "{h32}"),
    ("npm_token", "//registry.npmjs.org/:_authToken=%s", "{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("password", 'db_password = "%s"', "kX82!Lqp"),
    ("password", "DB_PASSWORD=%s", "Tr0ub4dor&3"),
    ("password", "Passwort: %s", "Geheim99x"),
    ("password", "<password>%s</password>", "kq83jx2L"),
    ("password", "my password for the router is %s, I think", "hunter2x"),
    ("password", "mysql -u root --password=%s shop", "Xk29sLLq2"),
    ("password", "curl -u deploy:%s https://h/", "q9Xv2mLk"),
    ("password", '<add key="ClearTextPassword" value="%s" />', "kX82!Lqp"),
    ("password", "BUNDLE_ENTERPRISE__CONTRIBSYS__COM: %s", "{h8}:{h8}"),
    ("password", "mot de passe : '%s'", "4kLm!9sd"),
    ("password", "pwd=%s", "48291735"),
    ("secret", '"api_key": "%s"', "{h20}"),
    ("secret", "the api key is %s and it works", "{h20}"),
    ("secret", 'System.setProperty("X_TOKEN", "%s")', "{w24}"),
    ("secret", "client_secret: %s", "{u40}"),
    ("secret", "discord_TOKEN ?= %s", "{d32}"),
    ("secret", "AWS_SECRET_ACCESS_KEY=%s", "{b40}"),
    ("secret", "kucoinToken := `%s`", "{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("authorization", "Authorization: Bearer %s", "{h32}"),
    ("authorization", '-H "Authorization: Basic %s"', base64.b64encode(b"ana:kX82!Lqp").decode()),
    ("url_password", "postgres://app:%s@db.acme.org:5432/shop", "s3cr3tPw"),
    ("url_password", "redis://:%s@cache:6379", "kX82-Lqp"),
)
"""Kind, a text that names it, and the form of what it names."""
PERSONAL: tuple[tuple[str, str, str], ...] = (
    ("email", "Write to %s, please.", "ana.muster+shop@mail.example.org"),
    ("email", "<%s>", "jürgen@bücher.example"),
    ("email", "Cc: %s", "用户@例子.公司"),
    ("phone", "Call me: %s", "+41 (0)44 668 18 00"),
    ("phone", "or %s.", "+1-604-696-5272x565"),
    ("phone", "reach us (%s) daily", "+49 30 1234567"),
    ("phone", "dial %s then", "001-253-366-9781"),
    ("phone", "It is %s here.", "(602)272-9781"),
    ("phone", "It is %s here.", "555-366-3621"),
    ("phone", "It is %s here.", "1-844-891-3044"),
    ("phone", "It is %s here.", "030 1234567"),
    ("phone", "It is %s here.", "0171/123 45 67"),
    ("phone", "It is %s here.", "01 42 68 53 00"),
    ("phone", "It is %s here.", "(99) 645-791"),
    ("phone", "Phone: %s\n", "451 5986"),
    ("phone", "Mobile: %s\n", "5403926876"),
    ("phone", "call me on %s?", "9472 7916"),
    ("phone", "Ana Muster\n%s-Phone\n", "72 128 827"),
    ("phone", "%s (mobile)", "723 813 266"),
    ("iban", "IBAN %s.", "DE89 3704 0044 0532 0130 00"),
    ("iban", "IBAN %s.", "GB29NWBK60161331926819"),
    ("iban", "IBAN %s.", "ch9300762011623852957"),
    ("iban", "IBAN %s.", "NO93-8601-1117-947"),
    ("payment_card", "Card %s, please.", "4111 1111 1111 1111"),
    ("payment_card", "Card %s, please.", "5500-0000-0000-0004"),
    ("payment_card", "Card %s, please.", "378282246310005"),
    ("payment_card", "Card %s, please.", "3782 822463 10005"),
    ("payment_card", "Card %s, please.", "6011000990139424"),
    ("us_ssn", "SSN: %s", "536-90-4399"),
    ("us_ssn", "social security number %s", "536904399"),
    ("ip_address", "from %s at noon", "203.0.113.47"),
    ("ip_address", "host %s is up", "9.9.9.9"),
    ("ip_address", "from %s at noon", "2001:db8:0:1::7"),
    ("ch_ahv", "AHV-Nr. %s", "756.9217.0769.85"),
    ("ch_ahv", "AHV-Nr. %s", "7569217076985"),
    ("de_tax_id", "Steuer-ID: %s", "86095742719"),
    ("de_tax_id", "IdNr. %s", "86 095 742 719"),
    ("nl_bsn", "BSN: %s", "111222333"),
    ("pl_pesel", "PESEL %s", "44051401359"),
    ("be_national_number", "No. %s", "85.07.30-033.28"),
    ("br_cpf", "CPF %s", "529.982.247-25"),
    ("fr_nir", "NIR %s", "1 85 05 78 006 084 91"),
    ("fr_nir", "NIR %s", "255082A47910103"),
    ("es_dni", "DNI %s", "12345678Z"),
    ("es_dni", "NIE %s", "X1234567L"),
    ("it_codice_fiscale", "CF %s", "RSSMRA85T10A562S"),
    ("uk_nino", "NI number %s", "AB 12 34 56 C"),
)
"""Kind, a text, and what is to be found in it."""

HARMLESS_SECRETS = (
    "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b of yesterday",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==",
    'password = input("your password: ")',
    "password = getpass.getpass(prompt)",
    "const token = process.env.API_TOKEN2",
    'api_key = "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
    'api_key="<your-key>"',
    "export OPENAI_API_KEY=${OPENAI_KEY}",
    "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
    "password must contain 8 characters, e.g. Abcdef12",
    '<input name="authenticity_token" value="7SWa-Fo1_hsC6oovfBsJFLGPUl2Eh" />',
    "max_tokens: 512, eos_token: 50256, next_token=aGVsbG8gd29ybGQx",
    "tokenizer = tokens[12345678]",
    "secret: projects/1234/secrets/foo/versions/3",
    'password: [PASSWORD_1], token = "[SECRET_2]"',
    "A private key begins with -----BEGIN RSA PRIVATE KEY----- and then",
    "https://user:password@host/ and https://user:$PASSWORD@host/",
    "Authorization: Bearer <token>, Authorization: Basic dGhpcyBpcyBub25l",
    "eyJub3QiOiJhIHRva2VuIn0.eyJzdWIiOiI0MiJ9",
    "docker run -u 1000:1000 image",
    "credentialsId: '29f63271-dc2f-4734-8221-5b31b5169bac'",
    "key = base64.b64encode(value), symbol2label, utf8_name",
    "password = decoded64(value), token = a1b2c3d4e5f6g7h8(x)",
    "eyAAAAAAAAAAAAAAAAA.eyJzdWIiOiI0MiJ9",
)
HARMLESS_PERSONAL = (
    "On 2024-01-15 10:30 and 15.01.2024, 01/02/2023 12:30.",
    "version 1.2.3.4, section 8.2.4.44, v10.20.30.40, net 10.0.0.0/8, 127.0.0.1, 255.255.255.0",
    "ff02:0:1::1, std::vector, a::b, 12:30:45, fade::add, Class::method",
    "git@github.com:acme/shop.git and @handle and a@b",
    "4111 1111 1111 1112, 4444444444444444, 1234567890123456",
    "DE88 3704 0044 0532 0130 00 and XX12 3456 7890",
    "10 000 000, 1.234.567,89, 3.14159265358979, 0.4111111111111111",
    "UUID 123e4567-e89b-12d3-a456-426614174000",
    "ISBN 0-306-40615-2 and 978-3-16-148410-0",
    "000-12-3456, 666-12-3456, 123-00-4567, 123-45-0000, 078-05-1120",
    "12 34 56 78 90 12 34 56 78 90 12 34 56 78 90",
    "id_0301234567, #030 1234567, +35236450.6, C+++4930123456",
    "12345678A, X1234567A, RSSMRA85T10A562T, GB123456A, 756.1234.5678.90",
    "529.982.247-26, 111.111.111-11, 85.07.30-033.29, 1 85 05 78 006 084 92",
    "86095742710, 111222334, 44051401350",
    "Steuer-ID 12345678901, BSN 111222334, PESEL 44051401350, Steuer-ID 11111111111",
)


def secret_examples() -> list[tuple[str, str, str]]:
    """Texts with a credential: text, kind, the credential."""
    found = [(f"Here it is: {token} and more.", kind, token) for kind, forms in TOKENS.items() for token in map(made, forms)]
    found = [(text, kind, token[token.index(STARTS_LATER[kind]) :] if kind in STARTS_LATER else token) for text, kind, token in found]
    found += [(text % token, kind, token) for kind, text, token in ((kind, text, made(form)) for kind, text, form in NAMED)]
    blocks = (key_block(), key_block(""), key_block("OPENSSH "), key_block("EC ", "\\n"))
    found += [(f"This is it:\n{block}\nKeep it.", "private_key", block) for block in blocks]
    headed = key_block("RSA ").replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB\n\n", 1)
    unended = key_block().partition("-----END")[0] + "and no end"
    found += [(f"This is it:\n{block}", "private_key", block) for block in (headed, unended)]
    found += [(f"Bearer of {web_token()}.", "json_web_token", web_token())]
    return found


def personal_examples() -> list[tuple[str, str, str]]:
    """Texts with personal data: text, kind, the data."""
    return [(text % stretch, kind, stretch) for kind, text, stretch in PERSONAL]
