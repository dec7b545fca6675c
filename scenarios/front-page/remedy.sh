#!/bin/sh
# The operator's fix: look what is at its limit. If it is the application's own places at the partner,
# more of the application has more of them; if it is the partner, more of the application would only
# ask it more often: then what is less important is refused at once, so that the rest is served in
# time. Run it in the checkout.
set -eu

# How many circles the partner is being asked to rank, as each replica counts them itself. Not how many
# requests wait for a place: places are held by what waits at the partner, too.
ranking=0
for replica in api-1 api-2 api-3; do
    here=$(docker compose exec -T "$replica" curl -fsS http://127.0.0.1:8000/metrics |
        awk '/^partner_in_flight\{.*operation="rank"/ { n += $2 } END { print int(n) }')
    ranking=$((ranking + ${here:-0}))
done

if [ "$ranking" -le 5 ]; then
    echo "the partner ranks $ranking circles: places are missing; five replicas more, for 160 links a second"
    # One after the other: a replica that starts takes processor from those that serve.
    for more in 1 2 3 4 5; do
        docker compose up --detach --wait --no-deps --scale "api=$more" api
    done
else
    echo "the partner is asked for $ranking circles at once, and ranks two; shedding"
    docker compose exec -T api-1 flags set shed on
fi
