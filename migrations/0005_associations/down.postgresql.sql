DROP TABLE "import_row";
DROP TABLE "import_batch";
CREATE TABLE "import_batch" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "by_id" INTEGER NOT NULL,
    "file_name" VARCHAR(200) NOT NULL,
    "digest" VARCHAR(64) NOT NULL,
    "rows" INTEGER NOT NULL,
    "created_at" TIMESTAMP NOT NULL,
    "undone_at" TIMESTAMP,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "import_batch_by_id" ON "import_batch" ("by_id");

ALTER TABLE "final_evaluation" DROP CONSTRAINT "final_evaluation_check";
ALTER TABLE "final_evaluation" DROP COLUMN "reopen_reason";
ALTER TABLE "final_evaluation" DROP COLUMN "reopened_by_id";
ALTER TABLE "final_evaluation" DROP COLUMN "exception";
ALTER TABLE "final_evaluation" DROP COLUMN "on_behalf";
DROP INDEX "placement_trajectory_id_state";
CREATE INDEX "placement_trajectory_id" ON "placement" ("trajectory_id");
DROP INDEX "trajectory_outcome_search_state";
ALTER TABLE "trajectory" DROP COLUMN "outcome";
