UPDATE "link_request" SET "state" = 'refused', "reason" = 'Deze vraag kent de vorige versie niet. Meld je opnieuw aan.', "decided_at" = "created_at", "decided_by_id" = "user_id" WHERE "state" = 'open' AND "kind" IN ('login', 'two');
ALTER TABLE "link_request" DROP COLUMN "acr";
ALTER TABLE "link_request" DROP COLUMN "differs";
ALTER TABLE "link_request" DROP COLUMN "kind";
