"""What people and the clock do, as plain functions: no HTTP, no 'current user'. Person (`by`) and time (`now`) come in
as arguments, one transaction per verb, and the first line asks `scope`."""
