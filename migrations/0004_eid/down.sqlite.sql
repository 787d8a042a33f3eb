-- An offer that nobody took has no place in the old table.
CREATE TABLE "handover_old" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "site_id" INTEGER NOT NULL,
    "requester_id" INTEGER NOT NULL,
    "asked_id" INTEGER,
    "email" VARCHAR(254) NOT NULL,
    "phone" VARCHAR(30) NOT NULL,
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('open', 'escalated', 'accepted', 'refused', 'withdrawn')),
    "reason" VARCHAR(2000) NOT NULL,
    "created_at" DATETIME NOT NULL,
    "due_on" DATE NOT NULL,
    "decided_at" DATETIME,
    "decided_by_id" INTEGER,
    FOREIGN KEY ("site_id") REFERENCES "site" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("requester_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("asked_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("decided_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
INSERT INTO "handover_old" SELECT "id", "version", "site_id", "requester_id", "asked_id", "email", "phone", "state", "reason",
    "created_at", "due_on", "decided_at", "decided_by_id" FROM "handover" WHERE "requester_id" IS NOT NULL;
DROP TABLE "handover";
ALTER TABLE "handover_old" RENAME TO "handover";
CREATE INDEX "handover_site_id" ON "handover" ("site_id");
CREATE INDEX "handover_requester_id" ON "handover" ("requester_id");
CREATE INDEX "handover_asked_id" ON "handover" ("asked_id");
CREATE INDEX "handover_due_on" ON "handover" ("due_on");
CREATE INDEX "handover_decided_by_id" ON "handover" ("decided_by_id");
CREATE UNIQUE INDEX "handover_one_unanswered" ON "handover" ("site_id") WHERE ("state" IN ('open', 'escalated'));
DROP TABLE "clock";
DROP TABLE "link_request";
DROP INDEX "placement_open_created_at";
DROP INDEX "placement_open_ends_on";
ALTER TABLE "mail" DROP COLUMN "refused_mailbox";
DROP INDEX "token_object_type_object_id";
DROP INDEX "token_purpose_expires_at";
ALTER TABLE "identity" DROP COLUMN "vo_organisation";
ALTER TABLE "identity" DROP COLUMN "vo_group";
ALTER TABLE "identity" DROP COLUMN "vo_id";
ALTER TABLE "identity" DROP COLUMN "acr";
ALTER TABLE "session" DROP COLUMN "acr";
DROP INDEX "user_birth_date";
ALTER TABLE "user" DROP COLUMN "claimed_email";
