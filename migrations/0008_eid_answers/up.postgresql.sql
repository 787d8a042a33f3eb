-- Why an eID lies with the team, and by which means it was used.

ALTER TABLE "link_request" ADD COLUMN "kind" VARCHAR(20) NOT NULL DEFAULT 'link' CHECK (kind IN ('link', 'merge', 'login', 'two'));
ALTER TABLE "link_request" ADD COLUMN "differs" VARCHAR(60) NOT NULL DEFAULT '';
ALTER TABLE "link_request" ADD COLUMN "acr" VARCHAR(200) NOT NULL DEFAULT '';
UPDATE "link_request" SET "kind" = 'merge' WHERE "other_id" IS NOT NULL;
UPDATE "link_request" SET "differs" = 'birth_date' WHERE "other_id" IS NULL;
