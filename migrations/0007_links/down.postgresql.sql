ALTER TABLE "token" DROP COLUMN "stamp";
ALTER TABLE "token" DROP COLUMN "address";
