ALTER TABLE "proposal" DROP COLUMN "nis";
ALTER TABLE "site" DROP COLUMN "nis";
