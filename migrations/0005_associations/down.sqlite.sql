DROP TABLE "import_row";
DROP TABLE "import_batch";
CREATE TABLE "import_batch" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "by_id" INTEGER NOT NULL,
    "file_name" VARCHAR(200) NOT NULL,
    "digest" VARCHAR(64) NOT NULL,
    "rows" INTEGER NOT NULL,
    "created_at" DATETIME NOT NULL,
    "undone_at" DATETIME,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "import_batch_by_id" ON "import_batch" ("by_id");

-- A column that refers to another table needs a new table in SQLite; what refers to this one moves along.
CREATE TABLE "final_evaluation_new" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "trajectory_id" INTEGER NOT NULL,
    "result" VARCHAR(20) NOT NULL CHECK (result IN ('passed', 'failed')),
    "evaluated_on" DATE NOT NULL,
    "motivation" TEXT NOT NULL,
    "by_id" INTEGER NOT NULL,
    "at" DATETIME NOT NULL,
    "reopened_at" DATETIME,
    FOREIGN KEY ("trajectory_id") REFERENCES "trajectory" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
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

DROP INDEX "placement_trajectory_id_state";
CREATE INDEX "placement_trajectory_id" ON "placement" ("trajectory_id");
DROP INDEX "trajectory_outcome_search_state";
ALTER TABLE "trajectory" DROP COLUMN "outcome";
