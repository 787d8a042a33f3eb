-- A link in a mail is bound to the address that it was mailed to and, where it opens the account, to the state of the account.
-- Links that confirm an address while another one is claimed stay unbound, so dead: nothing tells which of the two they were mailed to.

ALTER TABLE "token" ADD COLUMN "address" VARCHAR(254);
ALTER TABLE "token" ADD COLUMN "stamp" VARCHAR(64);
UPDATE "token" SET "address" = (SELECT "email" FROM "user" WHERE "user"."id" = "token"."user_id" AND ("token"."purpose" <> 'confirm' OR "claimed_email" IS NULL));
UPDATE "token" SET "address" = (SELECT "email" FROM "handover" WHERE CAST("handover"."id" AS VARCHAR(40)) = "token"."object_id") WHERE "purpose" = 'offer';
UPDATE "token" SET "stamp" = (SELECT "fs_uniquifier" FROM "user" WHERE "user"."id" = "token"."user_id") WHERE "purpose" = 'password';
