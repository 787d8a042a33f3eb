-- Associations, imports, the final evaluation and the attest.

ALTER TABLE "trajectory" ADD COLUMN "outcome" VARCHAR(20) COLLATE "C" NOT NULL DEFAULT '' CHECK (outcome IN ('', 'failed', 'passed', 'attested'));
UPDATE "trajectory" SET "outcome" = COALESCE((SELECT "result" FROM "final_evaluation" WHERE "trajectory_id" = "trajectory"."id"
    AND "reopened_at" IS NULL), '') WHERE "state" = 'finished';
UPDATE "trajectory" SET "outcome" = 'attested' WHERE "id" IN (SELECT "trajectory_id" FROM "attest"
    JOIN "final_evaluation" ON "final_evaluation"."id" = "final_evaluation_id" WHERE "revoked_at" IS NULL);
-- Whether a trajectory has a stage that waits is asked often: one index for both.
DROP INDEX "placement_trajectory_id";
CREATE INDEX "placement_trajectory_id_state" ON "placement" ("trajectory_id", "state");
CREATE INDEX "trajectory_outcome_search_state" ON "trajectory" ("outcome", "search", "state");

ALTER TABLE "final_evaluation" ADD COLUMN "on_behalf" VARCHAR(20);
ALTER TABLE "final_evaluation" ADD COLUMN "exception" VARCHAR(2000) NOT NULL DEFAULT '';
ALTER TABLE "final_evaluation" ADD COLUMN "reopened_by_id" INTEGER REFERENCES "user" ("id") ON DELETE RESTRICT;
ALTER TABLE "final_evaluation" ADD COLUMN "reopen_reason" VARCHAR(2000) NOT NULL DEFAULT '';
ALTER TABLE "final_evaluation" ADD CHECK (result <> 'failed' OR motivation <> '');
CREATE INDEX "final_evaluation_reopened_by_id" ON "final_evaluation" ("reopened_by_id");

-- Nothing was ever imported with the old table.
DROP TABLE "import_batch";
CREATE TABLE "import_batch" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "by_id" INTEGER,
    "association_id" INTEGER,
    "file_name" VARCHAR(200) NOT NULL,
    "digest" VARCHAR(64) NOT NULL,
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('checking', 'checked', 'importing', 'done', 'dropped', 'undone')),
    "rows" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "finished_at" TIMESTAMP,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("association_id") REFERENCES "association" ("id") ON DELETE RESTRICT
);
CREATE INDEX "import_batch_by_id" ON "import_batch" ("by_id");
CREATE INDEX "import_batch_association_id" ON "import_batch" ("association_id");
CREATE INDEX "import_batch_digest" ON "import_batch" ("digest");
CREATE INDEX "import_batch_created_at" ON "import_batch" ("created_at");

CREATE TABLE "import_row" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "batch_id" INTEGER NOT NULL,
    "number" INTEGER NOT NULL,
    "cells" TEXT NOT NULL,
    "kavo_id" VARCHAR(9) NOT NULL,
    "type" VARCHAR(20) NOT NULL CHECK (type IN ('', 'animator', 'head_animator', 'instructor')),
    "verdict" VARCHAR(20) NOT NULL CHECK (verdict IN ('', 'new', 'trajectory', 'changed', 'known', 'bad')),
    "text" VARCHAR(500) NOT NULL,
    "done" BOOLEAN NOT NULL,
    "participant_id" INTEGER,
    "trajectory_id" INTEGER,
    "before" TEXT,
    FOREIGN KEY ("batch_id") REFERENCES "import_batch" ("id") ON DELETE CASCADE
);
CREATE INDEX "import_row_batch_id" ON "import_row" ("batch_id");
CREATE UNIQUE INDEX "import_row_batch_id_number" ON "import_row" ("batch_id", "number");
CREATE INDEX "import_row_batch_id_verdict_number" ON "import_row" ("batch_id", "verdict", "number");
CREATE INDEX "import_row_batch_id_kavo_id" ON "import_row" ("batch_id", "kavo_id");
