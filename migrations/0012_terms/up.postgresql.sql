-- The days that a term was given stand with it, so that another number in the policy leaves terms that run as they are.
-- Of old rows the dates tell; a site that was paused or looked at again has other dates, and was given what all were: 14 days.

ALTER TABLE "site" ADD COLUMN "term_days" INTEGER NOT NULL DEFAULT 14;
ALTER TABLE "proposal" ADD COLUMN "term_days" INTEGER NOT NULL DEFAULT 14;
ALTER TABLE "handover" ADD COLUMN "term_days" INTEGER NOT NULL DEFAULT 14;
ALTER TABLE "link_request" ADD COLUMN "term_days" INTEGER NOT NULL DEFAULT 14;
ALTER TABLE "handover" ADD COLUMN "team_days" INTEGER NOT NULL DEFAULT 14;
UPDATE "site" SET "term_days" = "due_on" - ("submitted_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date WHERE "due_on" IS NOT NULL AND "paused_at" IS NULL AND "due_on" - ("submitted_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date BETWEEN 1 AND 366 AND NOT EXISTS (SELECT 1 FROM "history" WHERE "object_type" = 'site' AND "object_id" = CAST("site"."id" AS VARCHAR(40)) AND "verb" IN ('site.asked', 'site.reopened', 'site.undone'));
UPDATE "proposal" SET "term_days" = "due_on" - ("created_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date WHERE "due_on" - ("created_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date BETWEEN 1 AND 366;
UPDATE "handover" SET "term_days" = "due_on" - ("created_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date WHERE "due_on" - ("created_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date BETWEEN 1 AND 366;
UPDATE "link_request" SET "term_days" = "due_on" - ("created_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date WHERE "due_on" - ("created_at" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date BETWEEN 1 AND 366;
UPDATE "handover" SET "team_days" = ("team_due_on" - ((SELECT max("at") FROM "history" WHERE "verb" = 'handover.escalated' AND "object_type" = 'handover' AND "object_id" = CAST("handover"."id" AS VARCHAR(40))) AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date) WHERE ("team_due_on" - ((SELECT max("at") FROM "history" WHERE "verb" = 'handover.escalated' AND "object_type" = 'handover' AND "object_id" = CAST("handover"."id" AS VARCHAR(40))) AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Brussels')::date) BETWEEN 1 AND 366;

-- A reminder is known by its place in its series, not by a number of the policy. The rows of the release before stay beside the new
-- ones: it goes on working meanwhile, and must not say again what it said.

INSERT INTO "reminder" ("object_type", "object_id", "kind", "due_on", "at") SELECT "object_type", "object_id", 'evaluate_first', "due_on", "at" FROM "reminder" WHERE "kind" = 'evaluate_14';
INSERT INTO "reminder" ("object_type", "object_id", "kind", "due_on", "at") SELECT "object_type", "object_id", 'evaluate_second', "due_on", "at" FROM "reminder" WHERE "kind" = 'evaluate_42';
INSERT INTO "reminder" ("object_type", "object_id", "kind", "due_on", "at") SELECT "object_type", "object_id", 'handover_first', "due_on", "at" FROM "reminder" WHERE "kind" = 'handover_7';
INSERT INTO "reminder" ("object_type", "object_id", "kind", "due_on", "at") SELECT "object_type", "object_id", 'handover_second', "due_on", "at" FROM "reminder" WHERE "kind" = 'handover_13';
INSERT INTO "reminder" ("object_type", "object_id", "kind", "due_on", "at") SELECT "object_type", "object_id", 'activation_first', "due_on", "at" FROM "reminder" WHERE "kind" = 'activation_7';
INSERT INTO "reminder" ("object_type", "object_id", "kind", "due_on", "at") SELECT "object_type", "object_id", 'activation_second', "due_on", "at" FROM "reminder" WHERE "kind" = 'activation_25';
INSERT INTO "reminder" ("object_type", "object_id", "kind", "due_on", "at") SELECT "object_type", "object_id", 'trajectory_first', "due_on", "at" FROM "reminder" WHERE "kind" = 'trajectory_180';
INSERT INTO "reminder" ("object_type", "object_id", "kind", "due_on", "at") SELECT "object_type", "object_id", 'trajectory_second', "due_on", "at" FROM "reminder" WHERE "kind" = 'trajectory_60';
UPDATE "mail" SET "kind" = 'trajectory_first' WHERE "kind" = 'trajectory_180';
UPDATE "mail" SET "kind" = 'trajectory_second' WHERE "kind" = 'trajectory_60';

-- A list of trajectories in the order of what they are at.

CREATE INDEX "trajectory_state_outcome_ends_on_search" ON "trajectory" ("state", "outcome", "ends_on", "search");
