CREATE TABLE "proposal" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "by_id" INTEGER NOT NULL,
    "name" VARCHAR(200) NOT NULL,
    "recognition" VARCHAR(20) NOT NULL CHECK (recognition IN ('flemish', 'municipal', 'municipality', 'branch')),
    "street" VARCHAR(200) NOT NULL,
    "postcode" VARCHAR(4) NOT NULL,
    "municipality" VARCHAR(100) NOT NULL,
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('open', 'accepted', 'refused', 'withdrawn')),
    "created_at" TIMESTAMP NOT NULL,
    "due_on" DATE NOT NULL,
    "decided_at" TIMESTAMP,
    "decided_by_id" INTEGER,
    "reason" VARCHAR(2000) NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "site" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("decided_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "proposal_site_id" ON "proposal" ("site_id");
CREATE INDEX "proposal_by_id" ON "proposal" ("by_id");
CREATE INDEX "proposal_decided_by_id" ON "proposal" ("decided_by_id");
CREATE INDEX "proposal_state_due_on" ON "proposal" ("state", "due_on");
CREATE UNIQUE INDEX "proposal_one_open" ON "proposal" ("site_id") WHERE ("state" = 'open');

CREATE TABLE "site_message" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "kind" VARCHAR(20) NOT NULL CHECK (kind IN ('question', 'answer', 'note')),
    "text" TEXT NOT NULL,
    "by_id" INTEGER NOT NULL,
    "at" TIMESTAMP NOT NULL,
    FOREIGN KEY ("site_id") REFERENCES "site" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "site_message_site_id" ON "site_message" ("site_id");
CREATE INDEX "site_message_by_id" ON "site_message" ("by_id");

ALTER TABLE "mail" ADD COLUMN "object_type" VARCHAR(40);
ALTER TABLE "mail" ADD COLUMN "object_id" VARCHAR(40);
ALTER TABLE "mail" ADD COLUMN "handled_at" TIMESTAMP;
CREATE INDEX "mail_object_type_object_id" ON "mail" ("object_type", "object_id");

ALTER TABLE "site" ADD COLUMN "paused_at" TIMESTAMP;
CREATE INDEX "site_postcode" ON "site" ("postcode");

-- Whoever has an account now chose the password by a link in a mail, or was made by the team.
ALTER TABLE "user" ADD COLUMN "confirmed_at" TIMESTAMP;
UPDATE "user" SET "confirmed_at" = "created_at";
