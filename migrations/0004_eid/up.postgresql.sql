-- Logging in with eID, taking over a site, and the clock.

ALTER TABLE "user" ADD COLUMN "claimed_email" VARCHAR(254);
CREATE INDEX "user_birth_date" ON "user" ("birth_date");
ALTER TABLE "session" ADD COLUMN "acr" VARCHAR(200) NOT NULL DEFAULT '';
ALTER TABLE "identity" ADD COLUMN "acr" VARCHAR(200) NOT NULL DEFAULT '';
ALTER TABLE "identity" ADD COLUMN "vo_id" VARCHAR(100) NOT NULL DEFAULT '';
ALTER TABLE "identity" ADD COLUMN "vo_group" VARCHAR(20) NOT NULL DEFAULT '';
ALTER TABLE "identity" ADD COLUMN "vo_organisation" VARCHAR(300) NOT NULL DEFAULT '';
CREATE INDEX "token_purpose_expires_at" ON "token" ("purpose", "expires_at");
CREATE INDEX "token_object_type_object_id" ON "token" ("object_type", "object_id");
ALTER TABLE "mail" ADD COLUMN "refused_mailbox" BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX "placement_open_ends_on" ON "placement" ("ends_on") WHERE ("state" = 'open');
CREATE INDEX "placement_open_created_at" ON "placement" ("created_at") WHERE (("state" = 'open') AND ("ends_on" IS NULL));

CREATE TABLE "link_request" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "user_id" INTEGER NOT NULL,
    "other_id" INTEGER,
    "issuer" VARCHAR(255) NOT NULL,
    "subject" VARCHAR(255) NOT NULL,
    "number_hash" VARCHAR(64),
    "key_id" VARCHAR(16),
    "first_name" VARCHAR(100) NOT NULL,
    "last_name" VARCHAR(100) NOT NULL,
    "birth_date" DATE,
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('open', 'linked', 'refused')),
    "reason" VARCHAR(2000) NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "due_on" DATE NOT NULL,
    "decided_at" TIMESTAMP,
    "decided_by_id" INTEGER,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("other_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("decided_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "link_request_user_id" ON "link_request" ("user_id");
CREATE INDEX "link_request_other_id" ON "link_request" ("other_id");
CREATE INDEX "link_request_decided_by_id" ON "link_request" ("decided_by_id");
CREATE INDEX "link_request_state_due_on" ON "link_request" ("state", "due_on");
CREATE UNIQUE INDEX "link_request_one_open" ON "link_request" ("user_id") WHERE ("state" = 'open');

-- Of what fell due before this day nobody is reminded: who starts with old data gets no flood of mails.
CREATE TABLE "clock" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "since" DATE NOT NULL,
    "ran_at" TIMESTAMP,
    "took_ms" INTEGER NOT NULL,
    "treated" INTEGER NOT NULL,
    "treated_at" TIMESTAMP
);
INSERT INTO "clock" ("since", "took_ms", "treated") VALUES (CURRENT_DATE, 0, 0);

ALTER TABLE "handover" ALTER COLUMN "requester_id" DROP NOT NULL;
ALTER TABLE "handover" ADD COLUMN "offered" BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE "handover" ADD COLUMN "team_due_on" DATE;
ALTER TABLE "handover" ADD CHECK (offered OR requester_id IS NOT NULL);
ALTER TABLE "handover" ADD CHECK (state <> 'accepted' OR requester_id IS NOT NULL);
CREATE INDEX "handover_created_at" ON "handover" ("created_at");
CREATE INDEX "handover_state_due_on" ON "handover" ("state", "due_on");

-- What lay with the team before terms of its own were kept.
UPDATE "handover" SET "team_due_on" = "due_on" WHERE "state" = 'escalated';
