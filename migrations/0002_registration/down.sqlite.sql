ALTER TABLE "user" DROP COLUMN "confirmed_at";
DROP INDEX "site_postcode";
ALTER TABLE "site" DROP COLUMN "paused_at";
DROP INDEX "mail_object_type_object_id";
ALTER TABLE "mail" DROP COLUMN "handled_at";
ALTER TABLE "mail" DROP COLUMN "object_id";
ALTER TABLE "mail" DROP COLUMN "object_type";
DROP TABLE "site_message";
DROP TABLE "proposal";
