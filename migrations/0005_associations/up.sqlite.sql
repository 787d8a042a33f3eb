-- Associations, imports, the final evaluation and the attest.

ALTER TABLE "trajectory" ADD COLUMN "outcome" VARCHAR(20) NOT NULL DEFAULT '' CHECK (outcome IN ('', 'failed', 'passed', 'attested'));
UPDATE "trajectory" SET "outcome" = COALESCE((SELECT "result" FROM "final_evaluation" WHERE "trajectory_id" = "trajectory"."id"
    AND "reopened_at" IS NULL), '') WHERE "state" = 'finished';
UPDATE "trajectory" SET "outcome" = 'attested' WHERE "id" IN (SELECT "trajectory_id" FROM "attest"
    JOIN "final_evaluation" ON "final_evaluation"."id" = "final_evaluation_id" WHERE "revoked_at" IS NULL);
-- Whether a trajectory has a stage that waits is asked often: one index for both.
DROP INDEX "placement_trajectory_id";
CREATE INDEX "placement_trajectory_id_state" ON "placement" ("trajectory_id", "state");
CREATE INDEX "trajectory_outcome_search_state" ON "trajectory" ("outcome", "search", "state");

-- A column that refers to another table needs a new table in SQLite; what refers to this one moves along.
CREATE TABLE "final_evaluation_new" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "trajectory_id" INTEGER NOT NULL,
    "result" VARCHAR(20) NOT NULL CHECK (result IN ('passed', 'failed')),
    "evaluated_on" DATE NOT NULL,
    "motivation" TEXT NOT NULL,
    "on_behalf" VARCHAR(20),
    "exception" VARCHAR(2000) NOT NULL DEFAULT '',
    "by_id" INTEGER NOT NULL,
    "at" DATETIME NOT NULL,
    "reopened_at" DATETIME,
    "reopened_by_id" INTEGER,
    "reopen_reason" VARCHAR(2000) NOT NULL DEFAULT '',
    FOREIGN KEY ("trajectory_id") REFERENCES "trajectory" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("reopened_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    CHECK (result <> 'failed' OR motivation <> '')
);
INSERT INTO "final_evaluation_new" ("id", "trajectory_id", "result", "evaluated_on", "motivation", "by_id", "at", "reopened_at")
    SELECT "id", "trajectory_id", "result", "evaluated_on", "motivation", "by_id", "at", "reopened_at" FROM "final_evaluation";
CREATE TABLE "attest_new" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "final_evaluation_id" INTEGER NOT NULL,
    "code" VARCHAR(40) NOT NULL,
    "issued_on" DATE NOT NULL,
    "issued_by_id" INTEGER NOT NULL,
    "revoked_at" DATETIME,
    FOREIGN KEY ("final_evaluation_id") REFERENCES "final_evaluation_new" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("issued_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
INSERT INTO "attest_new" SELECT "id", "final_evaluation_id", "code", "issued_on", "issued_by_id", "revoked_at" FROM "attest";
DROP TABLE "attest";
DROP TABLE "final_evaluation";
ALTER TABLE "final_evaluation_new" RENAME TO "final_evaluation";
ALTER TABLE "attest_new" RENAME TO "attest";
CREATE INDEX "final_evaluation_trajectory_id" ON "final_evaluation" ("trajectory_id");
CREATE INDEX "final_evaluation_by_id" ON "final_evaluation" ("by_id");
CREATE UNIQUE INDEX "final_evaluation_one_current" ON "final_evaluation" ("trajectory_id") WHERE ("reopened_at" IS NULL);
CREATE UNIQUE INDEX "attest_final_evaluation_id" ON "attest" ("final_evaluation_id");
CREATE UNIQUE INDEX "attest_code" ON "attest" ("code");
CREATE INDEX "attest_issued_by_id" ON "attest" ("issued_by_id");
CREATE INDEX "final_evaluation_reopened_by_id" ON "final_evaluation" ("reopened_by_id");

-- Nothing was ever imported with the old table.
DROP TABLE "import_batch";
CREATE TABLE "import_batch" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "by_id" INTEGER,
    "association_id" INTEGER,
    "file_name" VARCHAR(200) NOT NULL,
    "digest" VARCHAR(64) NOT NULL,
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('checking', 'checked', 'importing', 'done', 'dropped', 'undone')),
    "rows" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "created_at" DATETIME NOT NULL,
    "finished_at" DATETIME,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("association_id") REFERENCES "association" ("id") ON DELETE RESTRICT
);
CREATE INDEX "import_batch_by_id" ON "import_batch" ("by_id");
CREATE INDEX "import_batch_association_id" ON "import_batch" ("association_id");
CREATE INDEX "import_batch_digest" ON "import_batch" ("digest");
CREATE INDEX "import_batch_created_at" ON "import_batch" ("created_at");

CREATE TABLE "import_row" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "batch_id" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "cells" TEXT NOT NULL,
    "kavo_id" VARCHAR(9) NOT NULL,
    "type" VARCHAR(20) NOT NULL CHECK (type IN ('', 'animator', 'head_animator', 'instructor')),
    "verdict" VARCHAR(20) NOT NULL CHECK (verdict IN ('', 'new', 'trajectory', 'changed', 'known', 'bad')),
    "text" VARCHAR(500) NOT NULL,
    "done" INTEGER NOT NULL,
    "participant_id" INTEGER,
    "trajectory_id" INTEGER,
    "before" TEXT,
    FOREIGN KEY ("batch_id") REFERENCES "import_batch" ("id") ON DELETE CASCADE
);
CREATE INDEX "import_row_batch_id" ON "import_row" ("batch_id");
CREATE UNIQUE INDEX "import_row_batch_id_number" ON "import_row" ("batch_id", "number");
CREATE INDEX "import_row_batch_id_verdict_number" ON "import_row" ("batch_id", "verdict", "number");
CREATE INDEX "import_row_batch_id_kavo_id" ON "import_row" ("batch_id", "kavo_id");
