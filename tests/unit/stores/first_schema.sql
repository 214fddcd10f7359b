-- The control store of the first released schema (0001), as SQLite dumps it, with rows in every table. Never changed.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE keys (
	digest VARCHAR(64) NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	groups TEXT NOT NULL, 
	services TEXT, 
	created_us BIGINT NOT NULL, 
	expires_us BIGINT, 
	revoked_us BIGINT, 
	PRIMARY KEY (digest), 
	UNIQUE (id)
);
INSERT INTO "keys" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','hr_live_aaaaaaaa','laptop','ana','person','default','["curators"]',NULL,1790000000000000,2790000000000000,NULL);
INSERT INTO "keys" VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','hr_live_bbbbbbbb','desk','desk','key','lab','[]','["help"]',1790000000000001,NULL,NULL);
INSERT INTO "keys" VALUES('cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','hr_live_cccccccc','old','ben','person','default','[]',NULL,1790000000000002,1790000000000003,1790000000000003);
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('keys_version',4);
CREATE TABLE revision_history (
	n INTEGER NOT NULL, 
	revision VARCHAR(64) NOT NULL, 
	act TEXT NOT NULL, 
	record TEXT NOT NULL, 
	time_us BIGINT NOT NULL, 
	"by" TEXT NOT NULL, 
	PRIMARY KEY (n), 
	CONSTRAINT revision_history_act CHECK (act in ('apply', 'rollback')), 
	FOREIGN KEY(revision) REFERENCES revisions (id)
);
INSERT INTO "revision_history" VALUES(1,'1c496c79b6ef9aae6fd444b4fa688dfbfc7923af8f9e88690e55751bc7ddba3d','apply','req_1',1790000000000001,'ana');
INSERT INTO "revision_history" VALUES(2,'0ef81d07454417cfb53fe13d38faf926893739fc7c672355939549801a6db3e3','apply','req_2',1790000000000002,'ana');
INSERT INTO "revision_history" VALUES(3,'1c496c79b6ef9aae6fd444b4fa688dfbfc7923af8f9e88690e55751bc7ddba3d','rollback','req_3',1790000000000003,'ana');
CREATE TABLE revisions (
	id VARCHAR(64) NOT NULL, 
	files TEXT NOT NULL, 
	data TEXT NOT NULL, 
	created_us BIGINT NOT NULL, 
	"by" TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "revisions" VALUES('1c496c79b6ef9aae6fd444b4fa688dfbfc7923af8f9e88690e55751bc7ddba3d','{"headrace.yaml":"headrace: 1\nname: one\n","policies/base.cedar":"@id(\"all\")\npermit (principal, action, resource);\n"}','{"headrace.yaml":{"headrace":1,"name":"one"}}',1790000000000000,'ana');
INSERT INTO "revisions" VALUES('0ef81d07454417cfb53fe13d38faf926893739fc7c672355939549801a6db3e3','{"headrace.yaml":"headrace: 1\nname: two\n","policies/base.cedar":"@id(\"all\")\npermit (principal, action, resource);\n"}','{"headrace.yaml":{"headrace":1,"name":"two"}}',1790000000000001,'ana');
CREATE TABLE sessions (
	digest VARCHAR(64) NOT NULL, 
	key_digest VARCHAR(64) NOT NULL, 
	created_us BIGINT NOT NULL, 
	expires_us BIGINT NOT NULL, 
	PRIMARY KEY (digest), 
	FOREIGN KEY(key_digest) REFERENCES keys (digest)
);
INSERT INTO "sessions" VALUES('5555555555555555555555555555555555555555555555555555555555555555','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1790000000000005,2790000000000000);
INSERT INTO "sessions" VALUES('6666666666666666666666666666666666666666666666666666666666666666','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1790000000000006,2790000000000000);
CREATE INDEX sessions_expires_us ON sessions (expires_us);
COMMIT;
