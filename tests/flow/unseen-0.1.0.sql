-- A database of release 0.1.0, as its pg_dump --inserts: see tests/flow/test_dump_of_0_1.py.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.activity (
    hour timestamp with time zone NOT NULL,
    kind text NOT NULL,
    entries bigint NOT NULL,
    amount bigint NOT NULL
);
CREATE TABLE public.alerts (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    line bigint,
    details jsonb NOT NULL
);
ALTER TABLE public.alerts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alerts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.audit_head (
    one boolean DEFAULT true NOT NULL,
    "position" bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    digest bytea NOT NULL,
    peaks bytea DEFAULT '\x'::bytea NOT NULL,
    CONSTRAINT audit_head_one_check CHECK (one)
);
CREATE TABLE public.audit_log (
    "position" bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    subject text,
    details jsonb NOT NULL,
    digest bytea NOT NULL,
    nodes bytea NOT NULL,
    CONSTRAINT audit_log_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT audit_log_nodes_check CHECK (((octet_length(nodes) > 0) AND ((octet_length(nodes) % 32) = 0)))
);
CREATE TABLE public.benign_hashes (
    id bigint NOT NULL,
    pdq bytea NOT NULL,
    note text NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT benign_hashes_pdq_check CHECK ((octet_length(pdq) = 32))
);
ALTER TABLE public.benign_hashes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.benign_hashes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.cases (
    id bigint NOT NULL,
    number text NOT NULL,
    audit_ref uuid DEFAULT gen_random_uuid() NOT NULL,
    pin_salt bytea,
    pin_digest bytea,
    submitted_at timestamp with time zone DEFAULT now() NOT NULL,
    withdrawn_at timestamp with time zone,
    platform_id bigint,
    CONSTRAINT cases_check CHECK ((num_nonnulls(pin_salt, pin_digest) =
CASE
    WHEN (platform_id IS NULL) THEN 2
    ELSE 0
END))
);
ALTER TABLE public.cases ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.cases_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.change_head (
    one boolean DEFAULT true NOT NULL,
    "position" bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    log uuid DEFAULT gen_random_uuid() NOT NULL,
    origin text,
    CONSTRAINT change_head_one_check CHECK (one)
);
CREATE TABLE public.changes (
    "position" bigint NOT NULL,
    kind text NOT NULL,
    hash_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT changes_kind_check CHECK ((kind = ANY (ARRAY['add'::text, 'remove'::text, 'standing'::text, 'feedback'::text])))
);
CREATE TABLE public.deliveries (
    platform_id bigint NOT NULL,
    positions int8range NOT NULL,
    head bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.feedback (
    hash_id bigint NOT NULL,
    platform_id bigint NOT NULL,
    value text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT feedback_value_check CHECK ((value = ANY (ARRAY['pending-review'::text, 'removed'::text, 'not-removed'::text, 'not-intimate'::text])))
);
CREATE TABLE public.finds (
    hash_id bigint NOT NULL,
    hour timestamp with time zone NOT NULL,
    platform_id bigint NOT NULL,
    sketch integer NOT NULL,
    finds bigint NOT NULL
);
CREATE TABLE public.guesses (
    bucket integer NOT NULL,
    wrong double precision NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT guesses_bucket_check CHECK (((bucket >= 0) AND (bucket <= 65535)))
);
CREATE TABLE public.hashes (
    id bigint NOT NULL,
    record uuid DEFAULT gen_random_uuid() NOT NULL,
    pdq bytea,
    active boolean DEFAULT false NOT NULL,
    standing text DEFAULT 'unreviewed'::text NOT NULL,
    barred boolean DEFAULT false NOT NULL,
    gone_at timestamp with time zone,
    CONSTRAINT hashes_check CHECK (((pdq IS NOT NULL) OR (NOT active))),
    CONSTRAINT hashes_check1 CHECK (((NOT barred) OR ((NOT active) AND (standing = 'quarantined'::text)))),
    CONSTRAINT hashes_check2 CHECK (((NOT active) OR (gone_at IS NULL))),
    CONSTRAINT hashes_check3 CHECK (((pdq IS NOT NULL) OR ((NOT barred) AND (standing <> 'quarantined'::text)))),
    CONSTRAINT hashes_pdq_check CHECK ((octet_length(pdq) = 32)),
    CONSTRAINT hashes_standing_check CHECK ((standing = ANY (ARRAY['unreviewed'::text, 'confirmed'::text, 'disputed'::text, 'quarantined'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.01', vacuum_index_cleanup='on');
ALTER TABLE public.hashes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.hashes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.image_hashes (
    image_id bigint NOT NULL,
    view text NOT NULL,
    hash_id bigint NOT NULL,
    quality smallint,
    CONSTRAINT image_hashes_quality_check CHECK (((quality >= 50) AND (quality <= 100)))
);
CREATE TABLE public.images (
    id bigint NOT NULL,
    case_id bigint NOT NULL,
    number integer NOT NULL,
    convention text NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT images_number_check CHECK ((number > 0))
);
ALTER TABLE public.images ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.images_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.intake (
    one boolean DEFAULT true NOT NULL,
    level double precision DEFAULT 0 NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    bank bigint DEFAULT 0 NOT NULL,
    secret bytea DEFAULT (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) NOT NULL,
    CONSTRAINT intake_one_check CHECK (one)
);
CREATE TABLE public.key_limits (
    line bigint NOT NULL,
    requests_per_minute integer,
    hashes_per_minute integer,
    coarse boolean DEFAULT false NOT NULL,
    paused_at timestamp with time zone,
    CONSTRAINT key_limits_hashes_per_minute_check CHECK ((hashes_per_minute >= 0)),
    CONSTRAINT key_limits_requests_per_minute_check CHECK ((requests_per_minute >= 0))
);
CREATE TABLE public.key_usage (
    line bigint NOT NULL,
    requests double precision NOT NULL,
    hashes double precision NOT NULL,
    requests_capacity integer NOT NULL,
    hashes_capacity integer NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE public.keys (
    id bigint NOT NULL,
    platform_id bigint NOT NULL,
    digest bytea NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    note text DEFAULT ''::text NOT NULL,
    issued_by text DEFAULT 'operator'::text NOT NULL,
    approved_at timestamp with time zone,
    approved_by text,
    expires_at timestamp with time zone,
    first_key bigint,
    replaces bigint,
    overlap interval,
    CONSTRAINT keys_check CHECK ((approved_by <> issued_by)),
    CONSTRAINT keys_check1 CHECK (((approved_at IS NULL) OR (approved_by IS NOT NULL) OR (NOT (scopes && ARRAY['feed'::text, 'admin'::text])))),
    CONSTRAINT keys_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT keys_expires_at_check CHECK ((expires_at < '9999-01-01 00:00:00+00'::timestamp with time zone)),
    CONSTRAINT keys_scopes_check CHECK ((cardinality(scopes) > 0))
);
ALTER TABLE public.keys ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.keys_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.matches (
    audit_position bigint NOT NULL,
    query integer NOT NULL,
    hash_id bigint NOT NULL,
    platform_id bigint NOT NULL,
    distance smallint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    sketch integer,
    CONSTRAINT matches_sketch_check CHECK (((sketch >= 0) AND (sketch <= 65535)))
);
CREATE TABLE public.migrations (
    number integer NOT NULL,
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.owed (
    hash_id bigint NOT NULL,
    platform_id bigint NOT NULL,
    what text NOT NULL,
    since timestamp with time zone NOT NULL,
    CONSTRAINT owed_what_check CHECK ((what = ANY (ARRAY['match'::text, 'review'::text, 'withdrawal'::text])))
);
CREATE TABLE public.platforms (
    id bigint NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT platforms_name_check CHECK ((name <> ''::text))
);
ALTER TABLE public.platforms ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.platforms_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.retention (
    one boolean DEFAULT true NOT NULL,
    ran_at timestamp with time zone,
    erased jsonb DEFAULT '{}'::jsonb NOT NULL,
    sketches bigint DEFAULT 0 NOT NULL,
    CONSTRAINT retention_one_check CHECK (one)
);
CREATE TABLE public.reviews (
    hash_id bigint NOT NULL,
    cause text NOT NULL,
    evidence jsonb NOT NULL,
    opened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    before text NOT NULL,
    decision text,
    decided_at timestamp with time zone,
    decided_by text,
    why text,
    CONSTRAINT reviews_before_check CHECK ((before = ANY (ARRAY['unreviewed'::text, 'confirmed'::text]))),
    CONSTRAINT reviews_cause_check CHECK ((cause = ANY (ARRAY['over-matching'::text, 'not-intimate'::text, 'often-found'::text]))),
    CONSTRAINT reviews_check CHECK (((decision IS NULL) OR (num_nulls(decided_at, decided_by, why) = 0))),
    CONSTRAINT reviews_decision_check CHECK ((decision = ANY (ARRAY['release'::text, 'keep'::text, 'remove'::text])))
);
CREATE TABLE public.submissions (
    key_digest bytea NOT NULL,
    request_digest bytea NOT NULL,
    case_id bigint NOT NULL,
    submitted_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.subscriptions (
    platform_id bigint NOT NULL,
    base bigint NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL,
    delivered int8multirange DEFAULT '{}'::int8multirange NOT NULL
);
CREATE TABLE public.tally (
    one boolean DEFAULT true NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT tally_one_check CHECK (one)
);
CREATE TABLE public.vitals (
    one boolean DEFAULT true NOT NULL,
    at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    measured jsonb,
    CONSTRAINT vitals_one_check CHECK (one)
);
CREATE TABLE public.webhook_messages (
    id bigint NOT NULL,
    ref uuid DEFAULT gen_random_uuid() NOT NULL,
    webhook_id bigint NOT NULL,
    event text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now(),
    failure text
);
ALTER TABLE public.webhook_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhook_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.webhooks (
    id bigint NOT NULL,
    ref uuid DEFAULT gen_random_uuid() NOT NULL,
    platform_id bigint NOT NULL,
    url text NOT NULL,
    secret bytea NOT NULL,
    events text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    delivered bigint DEFAULT 0 NOT NULL,
    delivered_at timestamp with time zone,
    CONSTRAINT webhooks_events_check CHECK ((cardinality(events) > 0))
);
ALTER TABLE public.webhooks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhooks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.withdrawals (
    hash_id bigint NOT NULL,
    platform_id bigint NOT NULL,
    "position" bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
INSERT INTO public.activity VALUES ('2026-11-27 00:00:00+00', 'case.submitted', 2, 2);
INSERT INTO public.activity VALUES ('2026-11-27 00:00:00+00', 'case.withdrawn', 1, 1);
INSERT INTO public.activity VALUES ('2026-11-27 00:00:00+00', 'match.hit', 20, 20);
INSERT INTO public.audit_head VALUES (true, 49, '2026-11-27 00:18:46.365648+00', '\xd5e04bb32aa26afbba527b8adeaea0cbceac5ba03239d5cdb323662ba8fc8227', '\xa9116a107ff2ba78980e65701bda4adffe0b84de2263641588cd7e43e36ed106bde716b95ed4b9e02b3deb3f928b86cbe3c5dbcc01e3b53646a1f1d7f93c6c1ebf14c7c4e779375969c707f6719f0f5f499d523305138391e13d2adff512d3ee');
INSERT INTO public.audit_log VALUES (1, '2026-11-27 00:18:37.874238+00', 'key.issued', 'operator:alice', NULL, '{"key": 1, "note": "", "scopes": ["admin", "audit"], "expires": null, "pending": true, "platform": 1, "by_account": "root (0)"}', '\x89c75986ca3d858732505d82db827e019984d36fafd6975e74acd27380d72a5f', '\x8ec9c3bb7ca646125106902565c3e4349c8462947461014da90841ec20574b9e');
INSERT INTO public.audit_log VALUES (2, '2026-11-27 00:18:38.950968+00', 'key.approved', 'operator:bob', NULL, '{"key": 1, "ends": null, "by_account": "root (0)"}', '\xfff26950d66b947ab2e42a2f8d9ccd6f0126dfdae2f81f21cc7eebe666976bbe', '\xa0c3b4a6c198b464c95f05e8387d5f3fa66f8daa5d7573793377f10a126f5bebf0ac23ac8d0cca5b694dca8ea514bd5c1b4916f5b39277cd30326c9b049429be');
INSERT INTO public.audit_log VALUES (3, '2026-11-27 00:18:39.760091+00', 'key.issued', 'operator:alice', NULL, '{"key": 2, "note": "", "scopes": ["admin", "audit"], "expires": null, "pending": true, "platform": 2, "by_account": "root (0)"}', '\x1e2e5fb7fe90fc98d4f9612da58e506fa2aa4aa9686f6f045d9d19b66b9d8ee7', '\x40516b405671cc4641577529c95e01ba110a844c08a74d9c7f32a4634233cfad');
INSERT INTO public.audit_log VALUES (4, '2026-11-27 00:18:40.626773+00', 'key.approved', 'operator:bob', NULL, '{"key": 2, "ends": null, "by_account": "root (0)"}', '\x8fbb549a25df0432fa760c8a03113f9966ca1284cec7ee89b20dec4177671b4c', '\xf577f67e3dd8013098d289d754ef3dad892942c6f25b4edf8b682ca725f2f4eedabe374c02fd423211eb7cf2bbe9ecd5f9748ba20f6f9c0a63a57c34c25dee8ce6661376d0c423374a30ecdc2d9fac7c7f9079f85f4664ecf7bb36ad0d9d94be');
INSERT INTO public.audit_log VALUES (5, '2026-11-27 00:18:40.97739+00', 'key.issued', 'staff:Staff 1', NULL, '{"key": 3, "note": "", "by_key": 1, "scopes": ["feed", "feedback", "match"], "expires": null, "pending": true, "platform": 3}', '\xb69557a68c38030b9cbb529fc19389d1328125cf85038920c87fe2925909eac5', '\x8d156ed7df9e81906fb3dd25f366f962d5c2a0a58a6c0b1c07808f550c20d883');
INSERT INTO public.audit_log VALUES (6, '2026-11-27 00:18:40.998167+00', 'key.approved', 'staff:Staff 2', NULL, '{"key": 3, "ends": null, "by_key": 2}', '\xa1611e01bc9ccd466a81399b1ef0238c80ad5de781ad77d58dac18b6d7f0ca4e', '\xd54059a59dc2190aec3dcb8d964420b28d10a2b714216c577e2900f7566054293026242d6e9f4f4f806fa4ad5c6fdd0728253bc40dc884740d8c77fa808e95e8');
INSERT INTO public.audit_log VALUES (7, '2026-11-27 00:18:41.217245+00', 'case.submitted', 'person', '6fa73634-377e-436d-80cc-8f6cfcc40378', '{"hashes": 1, "images": 1, "activated": 1}', '\x4378d7623bcb4eb81f51913c4f5bf0a1f5b46dbcda26006225306f5322feec4f', '\x262c4daabd53457bdf27b7915ab49aad0532c0aace35a58dcfff4c05bb452e09');
INSERT INTO public.audit_log VALUES (8, '2026-11-27 00:18:41.256414+00', 'match.hit', 'platform:Platform 2', NULL, '{"key": 3, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\xfecdec02bae0674d62d824c96c3eb04949e61e0301de6e5c0ebe87b56b47cf75', '\x6a34e0711b2cf89c8e25531a05b3c1c63a779465d9a131eb8466dc1a0b70a93750d3706754a78855776f3f51b0362d61571ee7e606c2753a12d0ae8b0e48ce8fbefe4f6e5e1ec935b26c7dddf68f2d477057426a62467d67377ef31f04637ca0b5f7d5981386b86461458126abab257b79d2e77504bdcef4f65f97da40ecf451');
INSERT INTO public.audit_log VALUES (9, '2026-11-27 00:18:41.267076+00', 'match.hit', 'platform:Platform 2', NULL, '{"key": 3, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\xc84c07bf72b6fa21d693b723761007145a6d40203927a3392dd939306402e3de', '\xbb3c6621626fca8e727e3aa29d3c8ce179a2b6a30bf8ff28c4214aee37042433');
INSERT INTO public.audit_log VALUES (10, '2026-11-27 00:18:41.277612+00', 'match.hit', 'platform:Platform 2', NULL, '{"key": 3, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\xed13a15d2545affe2ce03df9242188c7534de40247fa3e69dfc4f954b5474de1', '\x9d51a1f719caa22198ac27c839138739ceb6e6377a3d57e6bc941220a2f2bf41307536d9c5161c599fe3bb8ab9da66ced20b9e4785172284b593cce4d16c0d8c');
INSERT INTO public.audit_log VALUES (11, '2026-11-27 00:18:41.286736+00', 'match.hit', 'platform:Platform 2', NULL, '{"key": 3, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\x5a035cf6ebed3c110fd7a597ba810321792b48cbfd70cb4299d56014d9d3038b', '\xc2082909bcd4311ecbccb47718b667b9061e99263804ca5222a4fc974ae01737');
INSERT INTO public.audit_log VALUES (12, '2026-11-27 00:18:41.295544+00', 'match.hit', 'platform:Platform 2', NULL, '{"key": 3, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\xc015930cd0e6b4480e5c340651616701af5fc2eec90cf579d01394d83ccde66b', '\x067da03aaa54e55b5216063240f6d8fc1ef2eae7cf69368132351a7403b5a30f15b74affa9bc35e293501fe5014a98f29284a56fbd621d05f0ea09ee56f9a6320c4e15293c3a4ff2812050cbdb9ee86b33e88130ecb0dcf5994fcf2734edf9f3');
INSERT INTO public.audit_log VALUES (13, '2026-11-27 00:18:41.304182+00', 'match.hit', 'platform:Platform 2', NULL, '{"key": 3, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\x36b43233b015a20a8daf3b31dc2286b03551399b661b38087f2c4c9b3b957f9d', '\xa3cf57d1393f8f450702dfdd8ede5c3404c20bb228b9159db26b790d666ea8e6');
INSERT INTO public.audit_log VALUES (14, '2026-11-27 00:18:41.313611+00', 'match.hit', 'platform:Platform 2', NULL, '{"key": 3, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\xc9cb079f8d09cd642c2871bdd626fb463459469aece5e7d2cf353ed6550c9c71', '\xa4c2c34becf82876e558adbb09c65887084fd054892ac81b960af8241f4c3e46cb4cd458bab38cd7122df8c2bddf4f6d9292cfef56bebfcf5db417d08eb37f2c');
INSERT INTO public.audit_log VALUES (15, '2026-11-27 00:18:41.32124+00', 'match.hit', 'platform:Platform 2', NULL, '{"key": 3, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\xcabd451bfc20fc0f2e228250d567239138fea371aa45655067b774ba8ad94638', '\xb9b237245468196429f7479e0b3e16720255dbd16d094c133561c89a01edf9d6');
INSERT INTO public.audit_log VALUES (16, '2026-11-27 00:18:41.3343+00', 'match.hit', 'platform:Platform 2', NULL, '{"key": 3, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\xee4a709c5541310c08956f332749b70100b5439faf3121c104019b41090774fa', '\x775ca67ade0295f219f956f0bcd9406de24b329834a9c01100204e0c9bb6e54fe25a7338d3cbd9f3f4483a13a04b58be246abb357bd1efe3e6f514cf93d9eafc6509466b8cb12c6f29de88c615a749c3029a259855ea7793416c9f94727048bb372bf2aa73a124f8ad6d437d124ff9efb0d8fa474bf745aaa50f02f6786f1f88ca9efe38b448d36f7e4a895041651fb5099c6736a715c4ae94571241740f2555');
INSERT INTO public.audit_log VALUES (17, '2026-11-27 00:18:41.404936+00', 'key.listed', 'staff:Staff 1', NULL, '{"by_key": 1, "reason": "a test"}', '\x7c3342739b0aa9d79728a7b8057205e14612cd28421bbcfa4758b2ef767a8f03', '\xd49cd2cbfbdc166c47034ff209430c122232833b2ef35edb4b93c8c813d3e0f8');
INSERT INTO public.audit_log VALUES (18, '2026-11-27 00:18:41.412329+00', 'key.rotated', 'staff:Staff 1', NULL, '{"key": 4, "by_key": 1, "pending": true, "replaces": 3, "overlap_s": 0}', '\x5ba56901767fbf90ecd087e31dcaee54378e062024135cbd8c495a9f12fc2845', '\xb8541404277bf7abb775e62b37e6f005ea0ca26c28b135be60a1630959e1ecbab0f3f34f7d35d960bc0b8e6354ca48843df63ebb704e5f34eda60cafa30dc577');
INSERT INTO public.audit_log VALUES (19, '2026-11-27 00:18:41.419902+00', 'key.approved', 'staff:Staff 2', NULL, '{"key": 4, "ends": 3, "by_key": 2}', '\x6d2d6c2c7469417d7eb42d4c952a9b3a592d0560af5e20b9c61a395b16019fa0', '\x9207a8d53553b273a3f947778ed712aeb7767dca055c7407bd5c5d3b20dc6afd');
INSERT INTO public.audit_log VALUES (20, '2026-11-27 00:18:41.511245+00', 'feed.delivered', 'platform:Platform 2', NULL, '{"key": 4, "upto": 1, "after": 0, "entries": 1}', '\xd300be576d167fd5764b2dee3b461372b011174cb1c1ee677ed319c99df97143', '\x01028ca7f9f75f3e3f1b144b7f9c574fdb76d017e967df47e6fb69fc3155410c9a7ce4796b90dafeaaf012c6cdc6bff42b9ff9e93f832bb4c263098121619518c01cb9c27600dae236d17978f72522c44c6a51f5eb67a3faf1d67068d13a135b');
INSERT INTO public.audit_log VALUES (21, '2026-11-27 00:18:41.716693+00', 'webhook.registered', 'platform:Platform 2', NULL, '{"key": 4, "webhook": "c04e08ef-b792-4f72-b482-74ff6f0cb361"}', '\xc0c9cfa33ba550a14b2618af40de2abeec34dca5a8e11739aa965fc4e1d54b09', '\xfff1b2753d5aca8bae0abf591eee189098f4170199c5bbd16261de4e6aeff945');
INSERT INTO public.audit_log VALUES (22, '2026-11-27 00:18:41.735339+00', 'webhook.deleted', 'platform:Platform 2', NULL, '{"key": 4, "webhook": "c04e08ef-b792-4f72-b482-74ff6f0cb361"}', '\x00cb7bb55984ae9f29a1db3ada5f48d6e24f421b39337545a5514e1091483741', '\x24c6a12995877cd6b5abc99e809aee1080d7003649b3d0671921ed5ec3a0bb1128cccd8a51e1f44bf29c389d396b089445123bd2d3e52cf2f4d7680c5cfdd70b');
INSERT INTO public.audit_log VALUES (23, '2026-11-27 00:18:41.740924+00', 'key.issued', 'staff:Staff 1', NULL, '{"key": 5, "note": "", "by_key": 1, "scopes": ["feedback", "match"], "expires": null, "pending": false, "platform": 4}', '\x7b9512aae73bab4a2ca5d4af333d48ab4941e126fa7bb0d543a7d4e93f9d997f', '\x53647238d6c580d121a2584df0cfab1bb63d3c2adbc37c7d63251a9d75ec038b');
INSERT INTO public.audit_log VALUES (24, '2026-11-27 00:18:41.762127+00', 'match.hit', 'platform:Platform 5', NULL, '{"key": 5, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\x7d0c669b7113e18c088e54c508e0b1cdf9f91fb8b60eda3e0f80feb484cdbcb6', '\x0ff2211df9aab1c851d95b642974059ce873059fd77564f74dd5e8c32d2b2677d649cba748068e175cd995139e56c232b2689d975e03b16b7d0b39b889775a7092c4c174da7ca62b80f1d9c575e2a16aa1cc6b3392aa289f13c2a0682846f9217f5a3bc3f44285a206aca09574e4a1a57bad8cee0ad929c78458823f0a8939e2');
INSERT INTO public.audit_log VALUES (25, '2026-11-27 00:18:41.772586+00', 'feedback.given', 'platform:Platform 5', NULL, '{"key": 5, "disputed": [], "feedback": [{"tags": 0, "value": "not-intimate", "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf"}], "quarantined": []}', '\x5faffae3e34fef7cfb9150440c6046ba57ee4474164d478268ae1542733f4ad5', '\x7956761f8fd8cfc13eecbb959f0020742fd6190a53816b97a1a99cc5f54f9b68');
INSERT INTO public.audit_log VALUES (26, '2026-11-27 00:18:41.782656+00', 'key.issued', 'staff:Staff 1', NULL, '{"key": 6, "note": "", "by_key": 1, "scopes": ["feedback", "match"], "expires": null, "pending": false, "platform": 5}', '\xb886b0183f2ba5985a2f3d2617f66c396bcbb78561a96eab30c1689dfbe23ba4', '\x167a9db9e2e864c25d9ce187ee61997d89de073a6fb5b78559afc427f98bfd0a2804a0fc462e5d0a5836a946dfa2926595d1a353a8bd3e0cad75fabdffc7663f');
INSERT INTO public.audit_log VALUES (27, '2026-11-27 00:18:41.841544+00', 'match.hit', 'platform:Platform 6', NULL, '{"key": 6, "hits": [{"query": 0, "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "distance": 0}], "asked": 1}', '\x84d877390713a446a2b041ad580092031c099f630065ac80e6bc1a05b751e2d8', '\x587bce34ed476773630a7785ecb7ff2ddd5ece5f8f2f2c94235d8305f63adf07');
INSERT INTO public.audit_log VALUES (28, '2026-11-27 00:18:41.854507+00', 'feedback.given', 'platform:Platform 6', NULL, '{"key": 6, "disputed": [], "feedback": [{"tags": 0, "value": "not-intimate", "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf"}], "quarantined": ["cce9fc8c-a07f-433a-926f-4a7733e1ddaf"]}', '\x7a828b4cfd79a28195e30f8e487c3d9a3da613d2586161055358ce69bea5b107', '\xbac270c9dbb7c185b7b0587f09bc906409d4dcbb7cd3dda4e8cc71c80132be0efbfac5e7551fa513dd1be3b28330f45fea1d41932bb91987b749d7ed064a43f0fb2eefdf32236739aafe3f2375f1e4d0e7257c0ee6035e054c75bc4f174b39f2');
INSERT INTO public.audit_log VALUES (33, '2026-11-27 00:18:42.043889+00', 'statistics.read', 'staff:Staff 1', NULL, '{"by": "hour", "count": 48, "by_key": 1, "reason": "a test"}', '\x08a488e3647e53d284fafb287938255977e6a67cbccbd4b449b502c4a1d01cc7', '\x1826a39324f2f03f09cee00b96a6ba9b684c51b329ca6d0f91f2947fa24b2e48');
INSERT INTO public.audit_log VALUES (37, '2026-11-27 00:18:42.306707+00', 'case.submitted', 'person', '607ec5fb-64f5-458c-b20e-aa64068f67f3', '{"hashes": 1, "images": 1, "activated": 1}', '\x67d7d89edfe7890916b0efefb6f12d2861813c9d1a0ea39b13eb618e8a0d4054', '\xaa6e65fd22be845918c5d16c6a6624a7a7f1a677da80237d29be45808c24f3bd');
INSERT INTO public.audit_log VALUES (41, '2026-11-27 00:18:42.361108+00', 'match.hit', 'platform:Example', NULL, '{"key": 7, "hits": [{"query": 0, "record": "e329f974-8705-4bb7-84d3-06611517fb55", "distance": 0}], "asked": 1}', '\x4405f09d16fd010e2b32a9a3a4f50474e6d005e4ff6655417679f5f36ac68774', '\x2584f7c18f01d56d6b637d58d914f3b7777ead1d0147f1e3f168b09166011f06');
INSERT INTO public.audit_log VALUES (42, '2026-11-27 00:18:42.373004+00', 'match.hit', 'platform:Example', NULL, '{"key": 7, "hits": [{"query": 0, "record": "e329f974-8705-4bb7-84d3-06611517fb55", "distance": 0}], "asked": 1}', '\xa328ba3ee6537330013fa6bcebf69bc572cb2662d995c7a43c88b33334fe27ef', '\x82ef087383c9e2cba1fdb44aedb2a4b49e31b40af825ae7da83f15ca1569166cec3835216cdf8fa2393544a58926a17133957944ecf97690381e804642962b53');
INSERT INTO public.audit_log VALUES (48, '2026-11-27 00:18:46.345127+00', 'match.missed', 'service', NULL, '{"keys": [{"key": 3, "calls": 2, "hashes": 2}], "minute": "2026-11-27T00:18Z"}', '\x4ea24f86470cb6667850c090a78af25479e553a57c3b99731e983907f7adfb8f', '\xba997de70d4883bd2ba84b16c1c6271add84a5e1956312b693868ceb06a3ca0e9ef3287512ffd8e3fc660a1bf71e38d27e9ef3c1b58c194a96a513c5b996f58b67e355cb95221abe1d7729094d480ebe2c85729fc99a32c4b1776cb005149b16c23f8a72e0f58ccce6428dff8560d84e5c231698f256a0b2aec5e3ca410d1f29bde716b95ed4b9e02b3deb3f928b86cbe3c5dbcc01e3b53646a1f1d7f93c6c1e');
INSERT INTO public.audit_log VALUES (29, '2026-11-27 00:18:41.861575+00', 'review.listed', 'staff:Staff 1', NULL, '{"limit": 100, "by_key": 1, "reason": "a test", "decided": false}', '\x9411b4a2ca2ab61a4cb62c99533fc8a7753d285ce51754b6001f0c39211db241', '\x838bdef7b9c4d0a9055a76999de88cf8b130dc95a2c7013657baf834a7441f02');
INSERT INTO public.audit_log VALUES (45, '2026-11-27 00:18:42.392884+00', 'match.hit', 'platform:Example', NULL, '{"key": 7, "hits": [{"query": 0, "record": "e329f974-8705-4bb7-84d3-06611517fb55", "distance": 0}], "asked": 1}', '\xa3d7dc88c67b87291e6160f2d6da99ad55d16f3e54895cffa4c418b4b4049487', '\xb9d4326969d6806b5cb96aeae488c2f241e3541fc2fee777fca617f749e3a723');
INSERT INTO public.audit_log VALUES (30, '2026-11-27 00:18:41.880298+00', 'review.decided', 'staff:Staff 1', NULL, '{"by_key": 1, "reason": "a test", "record": "cce9fc8c-a07f-433a-926f-4a7733e1ddaf", "decision": "release", "instead_of": null}', '\x5b12d677402f18b15b6c2100217d2d88f63d7cd758a2264f50edc6a701a66a94', '\x8c1713095163be58de17624127ce0cb66023f9f23351ec4ab3556261e1018ea758940163de21c52af2b6e50177484f415f0f64fcc436c6523e246e21a201decd');
INSERT INTO public.audit_log VALUES (34, '2026-11-27 00:18:42.056962+00', 'audit.read', 'staff:Staff 1', NULL, '{"kind": null, "after": 0, "limit": 100, "by_key": 1, "reason": "a test"}', '\xabd6fa61a357ad32d3b004784e001e41863a07e7d91851608d7c03d6aa8e27d2', '\xf7f5717971d81f6c83798c0595b37bb12dcd4c8e9c8f01c3910a37223f99fb64ec28192489a659102538f1d0c21441c975def7b4cc533a2faa7ad74af4be30c9');
INSERT INTO public.audit_log VALUES (31, '2026-11-27 00:18:42.01434+00', 'case.withdrawn', 'person', '6fa73634-377e-436d-80cc-8f6cfcc40378', '{"images": [1], "deactivated": 1}', '\x4e1db0875067182e54934fa98811cb87b8702f681ee3bbd878f27631d9bbb46a', '\x683672b7b96097c7e2505017399b2be96102cdb5760f4c98ff4c7747a82035ef');
INSERT INTO public.audit_log VALUES (39, '2026-11-27 00:18:42.340947+00', 'match.hit', 'platform:Example', NULL, '{"key": 7, "hits": [{"query": 0, "record": "e329f974-8705-4bb7-84d3-06611517fb55", "distance": 0}], "asked": 1}', '\x918cce5f69a22295454e439b11f24460fce0ff50114ac7dcdd358f744f687115', '\xa42c87fa34bc862fa151e90e0566efeb9a27461bb012eb41587cd8857ceaaeab');
INSERT INTO public.audit_log VALUES (32, '2026-11-27 00:18:42.036811+00', 'withdrawal.confirmed', 'platform:Platform 2', NULL, '{"key": 4, "records": ["cce9fc8c-a07f-433a-926f-4a7733e1ddaf"]}', '\x639eaf5de87e7933baee5a817c7b3854b150e9ddbdcc03e1ed58616d6af9231d', '\x5dfec802987a54f7dc2ea0f4d973b17b6812ac91e5b517bc08cb6c938520baedf0c0063d998f2c83e9d1d1be8bb6930fa6ecc42aa3a6b923fdf129f9939d7c7795baeb13bb553c4fcc3c7d45482b4019ea61094595d46c2eb390ebd5c49a2b9208b9e307a90d055868b5907e1d78b5beecaf84a54f1c87cf64fa0b442b88338f0dfa7d3c777f87158504ca23673fba3b05cf2dc51cf424fd26fdc1a44bd789e7a9116a107ff2ba78980e65701bda4adffe0b84de2263641588cd7e43e36ed106');
INSERT INTO public.audit_log VALUES (38, '2026-11-27 00:18:42.334124+00', 'match.hit', 'platform:Example', NULL, '{"key": 7, "hits": [{"query": 0, "record": "e329f974-8705-4bb7-84d3-06611517fb55", "distance": 0}], "asked": 1}', '\x88ef98ec6a6d818b9163926ef56c5b8d30db27843c94a82d7489f2535948f6fe', '\x85d819422454ff56644d7b36297c93159dd6444f1db751d9b7c21c641df59ce405da9a6dcf90a386bfd8e8494cccfeef86287bb3e268c7c7cb1afa497a8651a0');
INSERT INTO public.audit_log VALUES (35, '2026-11-27 00:18:42.07224+00', 'audit.key-changed', 'service', NULL, '{"before": null, "verifier": "unseen-audit/9ec66193+00bff5d3+AV6aQfV86jYb2k4FKMvROa2A1ppv/6i2F4FjwQjt5xGe"}', '\x2ccaf747e4e9e9b3d755595d87bd95493f794d0300673d5a406e93959cb9a054', '\x8ab902a4428b4d4092255668407a4e6b942817b5f0b41bb3fa5b341fb92f6c4e');
INSERT INTO public.audit_log VALUES (36, '2026-11-27 00:18:42.092922+00', 'key.issued', 'staff:Staff 1', NULL, '{"key": 7, "note": "", "by_key": 1, "scopes": ["match"], "expires": null, "pending": false, "platform": 6}', '\x45e10ea66e5ea1fa46b158b54e45da16365d60afbfbb3a8f037ae9d14fe7b39b', '\xe0c5e80bbce1f32394ffc91a1badba30ac55d4e9c9e4fc8e2c78b542a8343ffd77f8c4b7ebee254a791f944082213014d3b2f639097b39debc725a26971c27b162bd6d8461ca40cdbf2c5af5e39298ba09a065072ff70bcf72b1f75bba504ede');
INSERT INTO public.audit_log VALUES (40, '2026-11-27 00:18:42.347452+00', 'match.hit', 'platform:Example', NULL, '{"key": 7, "hits": [{"query": 0, "record": "e329f974-8705-4bb7-84d3-06611517fb55", "distance": 0}], "asked": 1}', '\x2bdf462c1cfc711b4a64aa3b48cc58352c39f03a99fa3a6f3a9d607b388cf9c0', '\x394ccfab7f94a35ab60287aa7500248a3d1b683b87394eef634cce377a3291ce7b5dfca433a7a90c5ac422ead07d7a13ef11c51343f5d8c529512d0c572e02409c8059b85a970daee26c2fd80cb8bb5ce915ba6a4382165c0c5f3665d8e27b6b1e5a6c7e04e93eb86daced0f546be01fa1a94f9b2e5fa4a3e4bf035ee2ebf382');
INSERT INTO public.audit_log VALUES (43, '2026-11-27 00:18:42.380755+00', 'match.hit', 'platform:Example', NULL, '{"key": 7, "hits": [{"query": 0, "record": "e329f974-8705-4bb7-84d3-06611517fb55", "distance": 0}], "asked": 1}', '\x21c057f606b9e7d80c170080ef7271f9f86a86b06269888c2d7fd2d4e840fdee', '\x255e5ce888db2bfdd33ba2c1fa820f2b829a075aeb9dee2e4c9ef636d545c649');
INSERT INTO public.audit_log VALUES (49, '2026-11-27 00:18:46.365648+00', 'match.missed', 'service', NULL, '{"keys": [{"key": 3, "calls": 1, "hashes": 1}, {"key": 4, "calls": 1, "hashes": 1}, {"key": 7, "calls": 1, "hashes": 1}], "minute": "2026-11-27T00:18Z"}', '\xd5e04bb32aa26afbba527b8adeaea0cbceac5ba03239d5cdb323662ba8fc8227', '\xbf14c7c4e779375969c707f6719f0f5f499d523305138391e13d2adff512d3ee');
INSERT INTO public.audit_log VALUES (44, '2026-11-27 00:18:42.387562+00', 'match.hit', 'platform:Example', NULL, '{"key": 7, "hits": [{"query": 0, "record": "e329f974-8705-4bb7-84d3-06611517fb55", "distance": 0}], "asked": 1}', '\x9412c685b5544ec9481b2272ce31d01aca9b2d00bd6299c12c626a3eb8969ccd', '\xa3d3c9aebe96619d1fe2a2d6cfe9708589e4f3185a76c696f22361741c193bb479868ab352e9b67d571db1b3eac272afedb07add4d110ad96ef970cdebeb3a23b011c82c1f248a18713d64d948e00eee5fe3123e54ef7a2013c8ed4844b019ea');
INSERT INTO public.audit_log VALUES (46, '2026-11-27 00:18:42.398955+00', 'match.hit', 'platform:Example', NULL, '{"key": 7, "hits": [{"query": 0, "record": "e329f974-8705-4bb7-84d3-06611517fb55", "distance": 0}], "asked": 1}', '\xa703afd09a7e7b881a10d4506c9e8f6ba0dec13aaded5a64efb6af63e7ecde66', '\xb1197fe00e76a0b95b1917604e3591c9dc1470aacd0cc625ee8dd5a08f8ab8ed8c201c93c59de2014910cda2d0b6900097494a3aa7cbd287e4f4c7b9c968cab5');
INSERT INTO public.audit_log VALUES (47, '2026-11-27 00:18:42.784475+00', 'benign.added', 'operator:root', NULL, '{"note": "", "benign": [1], "by_account": "root (0)"}', '\xda0e583deca92c0f430d5c11a92cee307276dda44462ebaa95e7c5e7359cb4f0', '\xb4aaa5cf3acfad8a6ddcbb35d23d3738ccc8fe4161442e2f041df15488609f85');
INSERT INTO public.benign_hashes OVERRIDING SYSTEM VALUE VALUES (1, '\x59e70c9988375e01f8a92181901f640bd9b6720f41664ae89f16bfd468c19529', '', '2026-11-27 00:18:42.780532+00');
INSERT INTO public.cases OVERRIDING SYSTEM VALUE VALUES (1, 'UN-83SP-TM01', '6fa73634-377e-436d-80cc-8f6cfcc40378', '\x24f9d986888446cba58d3e95d437198e', '\xd9d27aa58e77f7c77b4199c6a46678abb38a1448e8cb83dfc0d05bd3e4e69c42', '2026-11-27 00:18:41.204966+00', '2026-11-27 00:18:41.997597+00', NULL);
INSERT INTO public.cases OVERRIDING SYSTEM VALUE VALUES (2, 'UN-1GJE-208R', '607ec5fb-64f5-458c-b20e-aa64068f67f3', '\xa3e185dc0bdec6ef03ef3835b931f980', '\x65eaf853413e320fff1978c568611572675123f2658d0473d9a9fc4cbc6533e2', '2026-11-27 00:18:42.293944+00', NULL, NULL);
INSERT INTO public.change_head VALUES (true, 6, '2026-11-27 00:18:42.301204+00', '2bfae955-c55e-4243-a3f7-0bb3a0c48db2', '7712639021981421851/17321');
INSERT INTO public.changes VALUES (1, 'add', 1, '2026-11-27 00:18:41.213357+00');
INSERT INTO public.changes VALUES (2, 'feedback', 1, '2026-11-27 00:18:41.771877+00');
INSERT INTO public.changes VALUES (3, 'standing', 1, '2026-11-27 00:18:41.853066+00');
INSERT INTO public.changes VALUES (4, 'standing', 1, '2026-11-27 00:18:41.876936+00');
INSERT INTO public.changes VALUES (5, 'remove', 1, '2026-11-27 00:18:42.006872+00');
INSERT INTO public.changes VALUES (6, 'add', 2, '2026-11-27 00:18:42.301204+00');
INSERT INTO public.deliveries VALUES (3, '[1,2)', 1, '2026-11-27 00:18:41.509482+00');
INSERT INTO public.feedback VALUES (1, 4, 'not-intimate', '{}', '2026-11-27 00:18:41.76736+00', '2026-11-27 00:18:41.76736+00');
INSERT INTO public.feedback VALUES (1, 5, 'not-intimate', '{}', '2026-11-27 00:18:41.847383+00', '2026-11-27 00:18:41.847383+00');
INSERT INTO public.finds VALUES (1, '2026-11-27 00:00:00+00', 3, 16226, 9);
INSERT INTO public.finds VALUES (1, '2026-11-27 00:00:00+00', 4, 16226, 1);
INSERT INTO public.finds VALUES (1, '2026-11-27 00:00:00+00', 5, 16226, 1);
INSERT INTO public.finds VALUES (2, '2026-11-27 00:00:00+00', 6, 59699, 9);
INSERT INTO public.hashes OVERRIDING SYSTEM VALUE VALUES (1, 'cce9fc8c-a07f-433a-926f-4a7733e1ddaf', '\xf8c2becf931aed15f5d3ef2d059d9f3c36ec6d2ec75220cd240786de39920895', false, 'unreviewed', false, '2026-11-27 00:18:42.006013+00');
INSERT INTO public.hashes OVERRIDING SYSTEM VALUE VALUES (2, 'e329f974-8705-4bb7-84d3-06611517fb55', '\x8b4ae5f1a94106a0956a26afbccdafe562f90a945f5693c642276ad5ab2da739', true, 'unreviewed', false, NULL);
INSERT INTO public.image_hashes VALUES (1, 'original', 1, 100);
INSERT INTO public.image_hashes VALUES (2, 'original', 2, 100);
INSERT INTO public.images OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'pdq-srgb-full-1', '2026-11-27 00:18:41.997597+00');
INSERT INTO public.images OVERRIDING SYSTEM VALUE VALUES (2, 2, 1, 'pdq-srgb-full-1', NULL);
INSERT INTO public.intake VALUES (true, 15.85611721732546, '2026-11-27 00:18:42.295637+00', 1, '\xaf45acdba9f34eed9f9bb33585398c4caf719bfdd7604b35865d4c92766ce294');
INSERT INTO public.key_usage VALUES (2, 2, 0, 60000, 600000, '2026-11-27 00:18:41.650885+00');
INSERT INTO public.key_usage VALUES (5, 1, 1, 60000, 600000, '2026-11-27 00:18:42.655457+00');
INSERT INTO public.key_usage VALUES (6, 1, 1, 60000, 600000, '2026-11-27 00:18:42.655463+00');
INSERT INTO public.key_usage VALUES (1, 2, 0, 60000, 600000, '2026-11-27 00:18:43.031237+00');
INSERT INTO public.key_usage VALUES (3, 1, 1, 60000, 600000, '2026-11-27 00:18:43.031262+00');
INSERT INTO public.key_usage VALUES (7, 6, 6, 60000, 600000, '2026-11-27 00:18:43.031269+00');
INSERT INTO public.keys OVERRIDING SYSTEM VALUE VALUES (1, 1, '\xe06095004f1ab4fb0d1f2b82bba3aa04e02d145ceb568da5f77698c3178e7640', '{admin,audit}', '2026-11-27 00:18:37.86731+00', NULL, '', 'operator:alice', '2026-11-27 00:18:38.942303+00', 'operator:bob', NULL, NULL, NULL, NULL);
INSERT INTO public.keys OVERRIDING SYSTEM VALUE VALUES (2, 2, '\x0625846f917e56aee808db43f5075e5839cb2b6fb3494183ee57fb55a3e8df14', '{admin,audit}', '2026-11-27 00:18:39.749083+00', NULL, '', 'operator:alice', '2026-11-27 00:18:40.620944+00', 'operator:bob', NULL, NULL, NULL, NULL);
INSERT INTO public.keys OVERRIDING SYSTEM VALUE VALUES (4, 3, '\x7fe32096741480afb77e4dd658b27e4fc99c76308773ef7b3a72866be312eec7', '{feed,feedback,match}', '2026-11-27 00:18:41.41021+00', NULL, '', 'key:1', '2026-11-27 00:18:41.418304+00', 'key:2', NULL, 3, 3, '00:00:00');
INSERT INTO public.keys OVERRIDING SYSTEM VALUE VALUES (3, 3, '\x3c7413ad647c29a7ae581025a5ae03e934b1ebc133b88e06aa4ea91cc4c34065', '{feed,feedback,match}', '2026-11-27 00:18:40.96499+00', NULL, '', 'key:1', '2026-11-27 00:18:40.990239+00', 'key:2', '2026-11-27 00:18:41.418304+00', NULL, NULL, NULL);
INSERT INTO public.keys OVERRIDING SYSTEM VALUE VALUES (5, 4, '\xd5f81cd7555c89379f29b8c75fc68bf82d98c3a69a6480417ce22643966dac21', '{feedback,match}', '2026-11-27 00:18:41.739149+00', NULL, '', 'key:1', '2026-11-27 00:18:41.739149+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.keys OVERRIDING SYSTEM VALUE VALUES (6, 5, '\xd2be9fb351f615c647a1652c8bd37907ed397b4b68851bed19452664e542a090', '{feedback,match}', '2026-11-27 00:18:41.777891+00', NULL, '', 'key:1', '2026-11-27 00:18:41.777891+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.keys OVERRIDING SYSTEM VALUE VALUES (7, 6, '\xc51c264bc09f5201467df8c7dec97cd2305e90069dea266727869272f7eb004e', '{match}', '2026-11-27 00:18:42.0894+00', NULL, '', 'key:1', '2026-11-27 00:18:42.0894+00', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.matches VALUES (8, 0, 1, 3, 0, '2026-11-27 00:18:41.256086+00', 16226);
INSERT INTO public.matches VALUES (9, 0, 1, 3, 0, '2026-11-27 00:18:41.266685+00', 16226);
INSERT INTO public.matches VALUES (10, 0, 1, 3, 0, '2026-11-27 00:18:41.277095+00', 16226);
INSERT INTO public.matches VALUES (11, 0, 1, 3, 0, '2026-11-27 00:18:41.286159+00', 16226);
INSERT INTO public.matches VALUES (12, 0, 1, 3, 0, '2026-11-27 00:18:41.295075+00', 16226);
INSERT INTO public.matches VALUES (13, 0, 1, 3, 0, '2026-11-27 00:18:41.303784+00', 16226);
INSERT INTO public.matches VALUES (14, 0, 1, 3, 0, '2026-11-27 00:18:41.313074+00', 16226);
INSERT INTO public.matches VALUES (15, 0, 1, 3, 0, '2026-11-27 00:18:41.320918+00', 16226);
INSERT INTO public.matches VALUES (16, 0, 1, 3, 0, '2026-11-27 00:18:41.333988+00', 16226);
INSERT INTO public.matches VALUES (24, 0, 1, 4, 0, '2026-11-27 00:18:41.761802+00', 16226);
INSERT INTO public.matches VALUES (27, 0, 1, 5, 0, '2026-11-27 00:18:41.841139+00', 16226);
INSERT INTO public.matches VALUES (38, 0, 2, 6, 0, '2026-11-27 00:18:42.333844+00', 59699);
INSERT INTO public.matches VALUES (39, 0, 2, 6, 0, '2026-11-27 00:18:42.340666+00', 59699);
INSERT INTO public.matches VALUES (40, 0, 2, 6, 0, '2026-11-27 00:18:42.347156+00', 59699);
INSERT INTO public.matches VALUES (41, 0, 2, 6, 0, '2026-11-27 00:18:42.358494+00', 59699);
INSERT INTO public.matches VALUES (42, 0, 2, 6, 0, '2026-11-27 00:18:42.369803+00', 59699);
INSERT INTO public.matches VALUES (43, 0, 2, 6, 0, '2026-11-27 00:18:42.380362+00', 59699);
INSERT INTO public.matches VALUES (44, 0, 2, 6, 0, '2026-11-27 00:18:42.387247+00', 59699);
INSERT INTO public.matches VALUES (45, 0, 2, 6, 0, '2026-11-27 00:18:42.392488+00', 59699);
INSERT INTO public.matches VALUES (46, 0, 2, 6, 0, '2026-11-27 00:18:42.398684+00', 59699);
INSERT INTO public.migrations VALUES (1, '0001_bones', '041a1bebdd034d325cbe51b098d284a88caaac972f597628159dc111b2c2c677', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (10, '0010_exchange', '998223bd43bf8d2ae1463f44ac7303dd3969c293ff546f3083f3342c15fbd6bd', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (20, '0020_proof', '083f7eda2145515863b4bc7b418db050300af1d7db0eeab01b435a1a90a4a79f', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (21, '0021_keys', '7544f39927201a2f79c72dcc881aaa76f39e9f75e694a72656169a896351cb42', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (22, '0022_webhooks', 'f79c8f1704b6b8ce1105a3246b872fd56511688685f16e258c0849ce40daa5c6', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (30, '0030_intake', 'c214dc646e292be46864d18842b0167b96ef91f05f7f05dfb3a2b554156dd1e5', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (31, '0031_limits', 'b6c01f9cd678fee21a0479279f00a93921d813f4bd36e2624a4aea414c9ed7f2', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (40, '0040_review', 'fb154a9b8b140479916f60a4b6924199607974b976b7ecdb854418ccd558597e', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (60, '0060_retention', '77941b44d09813b90a09b1340d9c6c521376af85cc36eaf819e2b383b78ba40c', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (61, '0061_restore', 'e3dd1810c93e62e5140c3fb0dbc480e4472d1bea9a987fe783cbd1b328b2d4b8', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (62, '0062_owed', '4251f39aa10d64d38fb99318e643ff346627e62a2e5103947727257a8ff73519', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (63, '0063_vitals', 'fd7c6433a4b3731eebe8d6b636c9242193acf7abd30083f3429171082df45c16', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (64, '0064_guesses', '0082b1cbfcddaf8d50f45893ba1ac659660fac05730b13e2dcd7cd9c7aeb0412', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.migrations VALUES (65, '0065_expiry', '655ac5cc87c0483c5a93121c0db3ce28331f04f94acaad6a64a8fe91ce7ee8cc', '2026-11-27 00:18:30.578643+00');
INSERT INTO public.owed VALUES (2, 6, 'match', '2026-11-27 00:18:42.333844+00');
INSERT INTO public.platforms OVERRIDING SYSTEM VALUE VALUES (1, 'Staff 1', '2026-11-27 00:18:37.86731+00');
INSERT INTO public.platforms OVERRIDING SYSTEM VALUE VALUES (2, 'Staff 2', '2026-11-27 00:18:39.749083+00');
INSERT INTO public.platforms OVERRIDING SYSTEM VALUE VALUES (3, 'Platform 2', '2026-11-27 00:18:40.96499+00');
INSERT INTO public.platforms OVERRIDING SYSTEM VALUE VALUES (4, 'Platform 5', '2026-11-27 00:18:41.739149+00');
INSERT INTO public.platforms OVERRIDING SYSTEM VALUE VALUES (5, 'Platform 6', '2026-11-27 00:18:41.777891+00');
INSERT INTO public.platforms OVERRIDING SYSTEM VALUE VALUES (6, 'Example', '2026-11-27 00:18:42.0894+00');
INSERT INTO public.retention VALUES (true, '2026-11-27 00:18:36.397209+00', '{}', 0);
INSERT INTO public.reviews VALUES (1, 'not-intimate', '{"platforms": 2}', '2026-11-27 00:18:41.851752+00', 'unreviewed', 'release', '2026-11-27 00:18:41.876207+00', 'staff:Staff 1', 'a test');
INSERT INTO public.submissions VALUES ('\x5c3dca1ec9ed2a537dd446ee411419e5cdd68fbed79853045b0973113cb201dd', '\x9c419fdcd68cdb9c0bfe96b5866e30b29d57201a7c4a330638d1bcf10cc9ea9d', 1, '2026-11-27 00:18:41.204966+00');
INSERT INTO public.submissions VALUES ('\x8ae75120c9dfe14484bc54fbb023f38a0fdea464ebe5c266c2b6df6b6ab7a21b', '\x16a98005a724c176b9f2376b46db33afa787ee994e49202193fd99d3d303099b', 2, '2026-11-27 00:18:42.293944+00');
INSERT INTO public.subscriptions VALUES (3, 1, '2026-11-27 00:18:41.499686+00', '{[1,2)}');
INSERT INTO public.tally VALUES (true, 47);
INSERT INTO public.vitals VALUES (true, '2026-11-27 00:18:46.263991+00', '{"changes": 6, "overdue": 0, "paused_keys": 0, "open_reviews": 0, "audit_entries": 47, "database_bytes": 9828031, "gone_with_bits": 1, "webhooks_waiting": 0, "webhooks_given_up": 0, "webhooks_oldest_s": 0.0}');
INSERT INTO public.withdrawals VALUES (1, 3, 5, '2026-11-27 00:18:42.031196+00');
SELECT pg_catalog.setval('public.alerts_id_seq', 1, false);
SELECT pg_catalog.setval('public.benign_hashes_id_seq', 1, true);
SELECT pg_catalog.setval('public.cases_id_seq', 2, true);
SELECT pg_catalog.setval('public.hashes_id_seq', 2, true);
SELECT pg_catalog.setval('public.images_id_seq', 2, true);
SELECT pg_catalog.setval('public.keys_id_seq', 7, true);
SELECT pg_catalog.setval('public.platforms_id_seq', 6, true);
SELECT pg_catalog.setval('public.webhook_messages_id_seq', 1, true);
SELECT pg_catalog.setval('public.webhooks_id_seq', 1, true);
ALTER TABLE ONLY public.activity
    ADD CONSTRAINT activity_pkey PRIMARY KEY (hour, kind);
ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT audit_head_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.benign_hashes
    ADD CONSTRAINT benign_hashes_pdq_key UNIQUE (pdq);
ALTER TABLE ONLY public.benign_hashes
    ADD CONSTRAINT benign_hashes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_audit_ref_key UNIQUE (audit_ref);
ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_number_key UNIQUE (number);
ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_platform_id_key UNIQUE (platform_id);
ALTER TABLE ONLY public.change_head
    ADD CONSTRAINT change_head_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (hash_id, platform_id);
ALTER TABLE ONLY public.finds
    ADD CONSTRAINT finds_pkey PRIMARY KEY (hash_id, hour, platform_id, sketch);
ALTER TABLE ONLY public.guesses
    ADD CONSTRAINT guesses_pkey PRIMARY KEY (bucket);
ALTER TABLE ONLY public.hashes
    ADD CONSTRAINT hashes_pdq_key UNIQUE (pdq);
ALTER TABLE ONLY public.hashes
    ADD CONSTRAINT hashes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.hashes
    ADD CONSTRAINT hashes_record_key UNIQUE (record);
ALTER TABLE ONLY public.image_hashes
    ADD CONSTRAINT image_hashes_pkey PRIMARY KEY (image_id, view);
ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_case_id_number_key UNIQUE (case_id, number);
ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.intake
    ADD CONSTRAINT intake_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.key_limits
    ADD CONSTRAINT key_limits_pkey PRIMARY KEY (line);
ALTER TABLE ONLY public.key_usage
    ADD CONSTRAINT key_usage_pkey PRIMARY KEY (line);
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_digest_key UNIQUE (digest);
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.matches
    ADD CONSTRAINT matches_pkey PRIMARY KEY (audit_position, query, hash_id);
ALTER TABLE ONLY public.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.owed
    ADD CONSTRAINT owed_pkey PRIMARY KEY (hash_id, platform_id);
ALTER TABLE ONLY public.platforms
    ADD CONSTRAINT platforms_name_key UNIQUE (name);
ALTER TABLE ONLY public.platforms
    ADD CONSTRAINT platforms_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.retention
    ADD CONSTRAINT retention_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT reviews_pkey PRIMARY KEY (hash_id);
ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_pkey PRIMARY KEY (key_digest);
ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_pkey PRIMARY KEY (platform_id);
ALTER TABLE ONLY public.tally
    ADD CONSTRAINT tally_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.vitals
    ADD CONSTRAINT vitals_pkey PRIMARY KEY (one);
ALTER TABLE ONLY public.webhook_messages
    ADD CONSTRAINT webhook_messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.webhook_messages
    ADD CONSTRAINT webhook_messages_ref_key UNIQUE (ref);
ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_ref_key UNIQUE (ref);
ALTER TABLE ONLY public.withdrawals
    ADD CONSTRAINT withdrawals_pkey PRIMARY KEY (hash_id, platform_id);
CREATE INDEX alerts_at ON public.alerts USING btree (at);
CREATE INDEX audit_log_actor ON public.audit_log USING btree (actor, "position");
CREATE INDEX audit_log_kind ON public.audit_log USING btree (kind, "position");
CREATE INDEX audit_log_subject ON public.audit_log USING btree (subject, "position") WHERE (subject IS NOT NULL);
CREATE INDEX changes_at ON public.changes USING btree (at, "position");
CREATE INDEX changes_hash_id ON public.changes USING btree (hash_id, "position");
CREATE INDEX deliveries_positions ON public.deliveries USING gist (positions);
CREATE INDEX finds_hour ON public.finds USING btree (hour);
CREATE INDEX hashes_gone ON public.hashes USING btree (id) WHERE ((gone_at IS NOT NULL) AND (pdq IS NOT NULL));
CREATE INDEX image_hashes_hash_id ON public.image_hashes USING btree (hash_id);
CREATE INDEX keys_replaces ON public.keys USING btree (replaces) WHERE (replaces IS NOT NULL);
CREATE INDEX matches_hash_id ON public.matches USING btree (hash_id);
CREATE INDEX matches_platform_id ON public.matches USING btree (platform_id, hash_id, at);
CREATE INDEX owed_since ON public.owed USING btree (since);
CREATE INDEX reviews_decided ON public.reviews USING btree (decided_at) WHERE (decision IS NOT NULL);
CREATE INDEX reviews_open ON public.reviews USING btree (opened_at) WHERE (decision IS NULL);
CREATE INDEX submissions_submitted_at ON public.submissions USING btree (submitted_at);
CREATE INDEX webhook_messages_due_at ON public.webhook_messages USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX webhook_messages_given_up ON public.webhook_messages USING btree (created_at) WHERE (due_at IS NULL);
CREATE INDEX webhook_messages_webhook_id ON public.webhook_messages USING btree (webhook_id, id);
CREATE INDEX webhooks_platform_id ON public.webhooks USING btree (platform_id);
ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_line_fkey FOREIGN KEY (line) REFERENCES public.keys(id);
ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(id);
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT changes_hash_id_fkey FOREIGN KEY (hash_id) REFERENCES public.hashes(id);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.subscriptions(platform_id);
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT feedback_hash_id_fkey FOREIGN KEY (hash_id) REFERENCES public.hashes(id);
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT feedback_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(id);
ALTER TABLE ONLY public.finds
    ADD CONSTRAINT finds_hash_id_fkey FOREIGN KEY (hash_id) REFERENCES public.hashes(id);
ALTER TABLE ONLY public.finds
    ADD CONSTRAINT finds_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(id);
ALTER TABLE ONLY public.image_hashes
    ADD CONSTRAINT image_hashes_hash_id_fkey FOREIGN KEY (hash_id) REFERENCES public.hashes(id);
ALTER TABLE ONLY public.image_hashes
    ADD CONSTRAINT image_hashes_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.images(id);
ALTER TABLE ONLY public.images
    ADD CONSTRAINT images_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.cases(id);
ALTER TABLE ONLY public.key_limits
    ADD CONSTRAINT key_limits_line_fkey FOREIGN KEY (line) REFERENCES public.keys(id);
ALTER TABLE ONLY public.key_usage
    ADD CONSTRAINT key_usage_line_fkey FOREIGN KEY (line) REFERENCES public.keys(id);
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_first_key_fkey FOREIGN KEY (first_key) REFERENCES public.keys(id);
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(id);
ALTER TABLE ONLY public.keys
    ADD CONSTRAINT keys_replaces_fkey FOREIGN KEY (replaces) REFERENCES public.keys(id);
ALTER TABLE ONLY public.matches
    ADD CONSTRAINT matches_audit_position_fkey FOREIGN KEY (audit_position) REFERENCES public.audit_log("position");
ALTER TABLE ONLY public.matches
    ADD CONSTRAINT matches_hash_id_fkey FOREIGN KEY (hash_id) REFERENCES public.hashes(id);
ALTER TABLE ONLY public.matches
    ADD CONSTRAINT matches_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(id);
ALTER TABLE ONLY public.owed
    ADD CONSTRAINT owed_hash_id_fkey FOREIGN KEY (hash_id) REFERENCES public.hashes(id);
ALTER TABLE ONLY public.owed
    ADD CONSTRAINT owed_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(id);
ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT reviews_hash_id_fkey FOREIGN KEY (hash_id) REFERENCES public.hashes(id);
ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_case_id_fkey FOREIGN KEY (case_id) REFERENCES public.cases(id);
ALTER TABLE ONLY public.subscriptions
    ADD CONSTRAINT subscriptions_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(id);
ALTER TABLE ONLY public.webhook_messages
    ADD CONSTRAINT webhook_messages_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES public.webhooks(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(id);
ALTER TABLE ONLY public.withdrawals
    ADD CONSTRAINT withdrawals_hash_id_fkey FOREIGN KEY (hash_id) REFERENCES public.hashes(id);
ALTER TABLE ONLY public.withdrawals
    ADD CONSTRAINT withdrawals_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(id);
ALTER TABLE ONLY public.withdrawals
    ADD CONSTRAINT withdrawals_position_fkey FOREIGN KEY ("position") REFERENCES public.changes("position");
