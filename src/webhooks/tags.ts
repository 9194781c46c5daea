// What cached answers about webhooks depend on.

/** Of the webhooks of one account. */
export const webhooksTag = (ownerId: string) => `webhooks:${ownerId}`

/** Of what was sent to one webhook. */
export const deliveriesTag = (webhookId: string) => `webhook-deliveries:${webhookId}`
